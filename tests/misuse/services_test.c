// The services: registries, subscriptions, logging, measuring, sockets, programs, nodes.

#include "table.h"

static keel_term never_update(keel_term old, void *context)
{
    (void)old, (void)context;
    CHECK(false);
    return KEEL_NONE;
}

static void never_entries(keel_term entries, void *context)
{
    (void)never_update(entries, context);
}

static keel_term never_locked(void *context)
{
    return never_update(KEEL_NONE, context);
}

#define UNKNOWN keel_atom(no_registry)
#define NO_REGISTRY "{{badarg, {unknown_registry, _}}, _}"

TABLE(registries, "registries: what is misused gives a clear failure in every situation")
{
    UNSTARTED(KEEL_E_BADARG, keel_registry_start_link_opt(NULL));
    UNSTARTED(KEEL_E_BADARG,
            keel_registry_start_link_opt(&(keel_registry_opts){.name = keel_atom(a)}));
    UNSTARTED(KEEL_E_BADARG, keel_registry_start_link_term(one));
    ENDS_STATUS(NO_REGISTRY, keel_registry_register(UNKNOWN, one, one, NULL));
    ENDS_STATUS(NO_REGISTRY, keel_registry_register(nothing, one, one, NULL));
    ENDS_STATUS(NO_REGISTRY, keel_registry_unregister(UNKNOWN, one));
    ENDS_STATUS(NO_REGISTRY, keel_registry_unregister_match(UNKNOWN, one, one, nothing));
    ENDS_STATUS(NO_REGISTRY,
            keel_registry_update_value(UNKNOWN, one, never_update, NULL, NULL, NULL));
    ENDS(NO_REGISTRY, keel_registry_whereis(UNKNOWN, one));
    ENDS(NO_REGISTRY, keel_registry_lookup(UNKNOWN, one));
    ENDS(NO_REGISTRY, keel_registry_lookup(nothing, one));
    ENDS(NO_REGISTRY, keel_registry_keys_of(UNKNOWN, dead_process()));
    ENDS(NO_REGISTRY, keel_registry_values(UNKNOWN, one, dead_process()));
    ENDS(NO_REGISTRY, keel_registry_count(UNKNOWN));
    ENDS(NO_REGISTRY, keel_registry_match(UNKNOWN, one, one, nothing));
    ENDS(NO_REGISTRY, keel_registry_count_match(UNKNOWN, one, one, nothing));
    ENDS(NO_REGISTRY, keel_registry_select(UNKNOWN, keel_nil()));
    ENDS(NO_REGISTRY, keel_registry_count_select(UNKNOWN, keel_nil()));
    ENDS_STATUS(NO_REGISTRY, keel_registry_dispatch(UNKNOWN, one, never_entries, NULL));
    ENDS_STATUS(NO_REGISTRY,
            keel_registry_dispatch_parallel(UNKNOWN, one, never_entries, NULL));
    ENDS_STATUS(NO_REGISTRY, keel_registry_put_meta(UNKNOWN, one, one));
    ENDS(NO_REGISTRY, keel_registry_get_meta(UNKNOWN, one));
    ENDS_STATUS(NO_REGISTRY, keel_registry_delete_meta(UNKNOWN, one));
    ENDS(NO_REGISTRY, keel_registry_lock(UNKNOWN, one, never_locked, NULL));
}

TABLE(subscriptions, "subscriptions and groups: what is misused gives a clear failure in "
                     "every situation")
{
    UNSTARTED(KEEL_E_BADARG, keel_pubsub_start_link_opt(NULL));
    ENDS_STATUS(NO_REGISTRY,
            keel_pubsub_subscribe_opt(UNKNOWN, &(keel_subscription){.topic = one}));
    ENDS_STATUS(NO_REGISTRY, keel_pubsub_unsubscribe(UNKNOWN, one));
    ENDS_STATUS(NO_REGISTRY,
            keel_pubsub_broadcast_opt(UNKNOWN, one, &(keel_publication){.message = one}));
    ENDS_STATUS(NO_REGISTRY, keel_pubsub_broadcast_from_opt(UNKNOWN, dead_process(), one,
                                     &(keel_publication){.message = one}));
    ENDS_STATUS(NO_REGISTRY, keel_pubsub_local_broadcast_opt(
                                     UNKNOWN, one, &(keel_publication){.message = one}));
    ENDS_STATUS(NO_REGISTRY, keel_pubsub_local_broadcast_from_opt(UNKNOWN, dead_process(),
                                     one, &(keel_publication){.message = one}));
    ENDS_STATUS(NO_REGISTRY, keel_pubsub_direct_broadcast_opt(UNKNOWN, keel_node_self(),
                                     one, &(keel_publication){.message = one}));
    UNSTARTED(KEEL_E_BADARG, keel_pg_start_link(one));
    UNSTARTED(KEEL_E_BADARG, keel_pg_start(one));
    REFUSED(keel_pg_join(UNKNOWN, one, keel_from_pid(dead_process())));
    REFUSED(keel_pg_join(UNKNOWN, one, one));
    REFUSED(keel_pg_leave(UNKNOWN, one, one));
    NOTHING(keel_pg_members(UNKNOWN, one));
    NOTHING(keel_pg_local_members(nothing, one));
    NOTHING(keel_pg_groups(UNKNOWN));
    NOTHING(keel_pg_local_groups(UNKNOWN));
    REFUSED(keel_pg_monitor(UNKNOWN, one, NULL, NULL));
    REFUSED(keel_pg_monitor_scope(UNKNOWN, NULL, NULL));
    NOTHING(keel_pg_demonitor(UNKNOWN, (keel_ref){0}));
    HARMLESS(keel_pubsub_pg_adapter());
    HARMLESS(keel_pubsub_adapter_set(NULL));
    if (is_inside()) {
        ENDS(NO_REGISTRY, keel_pubsub_node_name(UNKNOWN));
    }
    EXITS("_", keel_pubsub_or_exit(KEEL_E_BADARG));
    HARMLESS(keel_pubsub_or_exit(KEEL_OK));
    UNSTARTED(KEEL_E_BADARG, keel_tracker_start_link_opt(NULL, NULL));
    UNSTARTED(KEEL_E_BADARG, keel_tracker_start_link_opt(NULL, &(keel_tracker_opts){0}));
    ENDS_STATUS(NO_REGISTRY,
            keel_tracker_track_opt(UNKNOWN, &(keel_presence){.topic = one, .key = one}));
    REFUSED(keel_tracker_track_opt(nobody, NULL));
    ENDS_STATUS(NO_REGISTRY,
            keel_tracker_update_opt(UNKNOWN, &(keel_presence){.topic = one, .key = one}));
    REFUSED(keel_tracker_update_opt(nobody, NULL));
    ENDS_STATUS(NO_REGISTRY,
            keel_tracker_untrack_opt(UNKNOWN, &(keel_presence){.topic = one, .key = one}));
    REFUSED(keel_tracker_untrack_opt(nobody, NULL));
    ENDS_STATUS(NO_REGISTRY, keel_tracker_untrack_all(UNKNOWN, dead_process()));
    ENDS(NO_REGISTRY, keel_tracker_list(UNKNOWN, one));
    ENDS(NO_REGISTRY, keel_tracker_get_by_key(UNKNOWN, one, one));
    ENDS_STATUS(NO_REGISTRY, keel_tracker_graceful_permdown(UNKNOWN));
}

TABLE(logs,
        "logging and measuring: what is misused gives a clear failure in every situation")
{
    STATUS(KEEL_E_BADARG, keel_logger_module_level_set(NULL, KEEL_LOG_INFO));
    HARMLESS(keel_logger_module_level_unset(NULL));
    REFUSED(keel_logger_metadata_set(one));
    REFUSED(keel_logger_metadata_merge(one));
    REFUSED(keel_logger_add_handler(nothing, NULL));
    REFUSED(keel_logger_remove_handler(nobody));
    NOTHING(keel_logger_handlers());
    STATUS(KEEL_OK, keel_logger_flush(KEEL_AT_ONCE));
    HARMLESS(keel_log_at(NULL, (keel_log_level)77, one, "%s", "text"));
    HARMLESS(keel_log_at(NULL, KEEL_LOG_DEBUG, nothing, NULL));
    HARMLESS(keel_log_report_at(NULL, (keel_log_level)77, nothing, one));
    HARMLESS(keel_logger_allows(NULL, (keel_log_level)77));
    NUMBER(KEEL_LOG_INFO, keel_logger_level_set((keel_log_level)77));
    NUMBER(KEEL_LOG_INFO, keel_logger_level_set((keel_log_level)(-77)));
    NUMBER(KEEL_LOG_INFO, keel_logger_level());
    HARMLESS(keel_logger_most());
    WITHIN(KEEL_E_BADARG, keel_logger_process_level_set((keel_log_level)77));
    HARMLESS(keel_logger_process_level_unset());
    NUMBER(0, keel_map_size(keel_logger_metadata()));
    NOTHING(keel_log_format_text(NULL, 0, NULL, false));
    NOTHING(keel_log_format_json(NULL, 0, NULL));
    HARMLESS(keel_log_format_text(NULL, 10, &(keel_log_event){.level = 77}, false));
    HARMLESS(keel_log_format_json(NULL, 10, &(keel_log_event){.level = 77}));
    HARMLESS(keel_report((keel_report_level)77, nothing));
    NUMBER(KEEL_REPORT_DEBUG, keel_report_level_set((keel_report_level)77));
    NUMBER(KEEL_REPORT_DEBUG, keel_report_level_set(KEEL_REPORT_DEBUG));
    HARMLESS(keel_report_format(NULL, 0, nothing, true, NULL));
    HARMLESS(keel_report_format(NULL, 10, any_word(), false, NULL));
    HARMLESS(keel_report_handler_set(NULL));
    HARMLESS(keel_report_crash(NULL));
    HARMLESS(keel_report_crash(&(keel_crash){0}));
    HARMLESS(keel_log_level_of(NULL));
    HARMLESS(keel_log_level_name((keel_log_level)77));
    STATUS(KEEL_E_BADARG, keel_telemetry_attach(one, one, NULL, one));
    STATUS(KEEL_E_BADARG, keel_telemetry_attach_many(one, one, NULL, one));
    REFUSED(keel_telemetry_detach(nobody));
    NOTHING(keel_telemetry_handlers(one));
    NOTHING(keel_telemetry_is_on());
    HARMLESS(keel_telemetry_execute(any_word(), one, nothing));
    EXITS("{badarg, _}", keel_telemetry_span(any_word(), nothing, NULL, NULL));
    if (!is_inside()) {
        NUMBER(true, keel_telemetry_runtime_start_link(nothing).status != KEEL_OK);
    }
    NOTHING(keel_counter(NULL, NULL, NULL));
    NOTHING(keel_gauge(NULL, NULL, NULL));
    NOTHING(keel_histogram(NULL, NULL, NULL, NULL, 3));
    HARMLESS(keel_metric_add(NULL, 1));
    HARMLESS(keel_metric_set(NULL, 1));
    HARMLESS(keel_metric_observe(NULL, 1));
    NOTHING(keel_metric_value(NULL));
    HARMLESS(keel_metrics_write(NULL, 0));
}

TABLE(sockets,
        "sockets and programs: what is misused gives a clear failure in every situation")
{
    REFUSED(keel_tcp_listen(0, NULL, NULL));
    REFUSED(keel_unix_listen(NULL, NULL, &result));
    REFUSED(keel_unix_listen("@a", &(keel_socket_opts){.mode = 0600}, &result));
    NOTHING(keel_inspect_pid(NULL));
    NOTHING(keel_inspect_pid("<0.1>"));
    REFUSED(keel_socket_from_fd(-1, NULL, &result));
    REFUSED(keel_socket_accept(one, SOON, &result));
    REFUSED(keel_socket_accept(nothing, SOON, NULL));
    REFUSED(keel_tcp_connect(NULL, 1, NULL, SOON, &result));
    REFUSED(keel_unix_connect(NULL, NULL, &result));
    REFUSED(keel_udp_open(0, NULL, NULL));
    REFUSED(keel_socket_send(one, "x", 1, SOON));
    REFUSED(keel_socket_recv(one, 1, SOON, &result));
    REFUSED(keel_udp_send(one, NULL, 1, "x", 1, SOON));
    REFUSED(keel_udp_recv(one, SOON, &result));
    REFUSED(keel_socket_active(one, KEEL_ACTIVE_ONCE));
    REFUSED(keel_socket_packet(one, KEEL_PACKET_LINE));
    REFUSED(keel_socket_give(one, dead_process()));
    REFUSED(keel_socket_shutdown(one));
    HARMLESS(keel_socket_close(one));
    HARMLESS(keel_socket_close(nothing));
    NOTHING(keel_socket_name(one));
    NOTHING(keel_socket_peer(one));
    REFUSED(keel_resolve(NULL, SOON, &result));
    UNSTARTED(KEEL_E_BADARG, keel_socket_server_start_link(NULL));
    NOTHING(keel_socket_server_name(one));
    REFUSED(keel_port_open(NULL, NULL, NULL));
    REFUSED(keel_port_send(dead_process(), "x", 1, SOON));
    REFUSED(keel_port_end_input(dead_process()));
    HARMLESS(keel_port_close(dead_process()));
    HARMLESS(keel_port_os_pid(dead_process()));
    REFUSED(keel_port_run(NULL, NULL, SOON, &result, NULL));
    REFUSED(keel_notify(NULL));
    HARMLESS(keel_listen_fd(NULL));
}

TABLE(nodes,
        "nodes and global names: what is misused gives a clear failure in every situation")
{
    REFUSED(keel_node_start(NULL));
    REFUSED(keel_node_stop());
    NOTHING(keel_node_is_alive());
    REFUSED(keel_node_connect(one));
    REFUSED(keel_node_connect(nothing));
    REFUSED(keel_node_disconnect(one));
    REFUSED(keel_node_ping(one));
    REFUSED(keel_node_monitor(one, true));
    REFUSED(keel_node_set_cookie(one, NULL));
    REFUSED(keel_node_set_address(one, NULL, 0));
    NOTHING(keel_node_list(77));
    NOTHING(keel_node_port());
    REFUSED(keel_node_monitor_all(true, &(keel_node_monitor_opts){.which = 128}));
    HARMLESS(keel_observer_allow(false));
    HARMLESS(keel_global_sync());
    STATUSES(KEEL_E_STOPPED, KEEL_OK, KEEL_OK, KEEL_E_STOPPED, keel_global_start());
    HARMLESS(keel_global_random_exit(one, no_pid(), no_pid()));
    HARMLESS(keel_global_random_notify(one, no_pid(), no_pid()));
    NOTHING(keel_global_notify_all(one, no_pid(), no_pid()));
    HARMLESS(keel_global_unregister(any_word()));
    NOTHING(keel_global_registered());
    REFUSED(keel_global_unlock(no_tuple(), keel_nil()));
    TERM("{badrpc, _}", keel_rpc_call(no_atom(), one, one, nothing, SOON));
    REFUSED(keel_global_register(nothing, dead_process()));
    REFUSED(keel_global_register_with(one, no_pid(), NULL));
    REFUSED(keel_global_re_register(one, no_pid()));
    REFUSED(keel_global_re_register_with(one, no_pid(), NULL));
    NOTHING(keel_global_whereis(nothing));
    REFUSED(keel_global_send(nobody, one));
    EXITS("{badarg, {nobody_here, 1}}", keel_global_send_or_exit(nobody, one));
    STATUS(KEEL_E_BADARG, keel_rpc_allow(one, one, NULL));
    REFUSED(keel_discover_known(dead_process(), &result));
    UNSTARTED(KEEL_E_EXIT, keel_discover_start_link(NULL));
    STATUS(KEEL_E_BADARG, keel_global_through(one));
    REFUSED(keel_global_lock(one, keel_nil(), 0));
    REFUSED(keel_global_transaction(keel_make("{a, b}"), NULL, NULL, keel_nil(), 0));
}

TABLE(applications,
        "applications: what is misused gives a clear failure in every situation")
{
    REFUSED(keel_application_load(one, NULL));
    REFUSED(keel_application_load(nobody, NULL));
    REFUSED(keel_application_load_term(one, NULL));
    REFUSED(keel_application_unload(nobody, NULL));
    REFUSED(keel_application_start(nobody, KEEL_TEMPORARY, NULL));
    REFUSED(keel_application_ensure_started(one, KEEL_TEMPORARY, NULL));
    REFUSED(keel_application_ensure_all_started(one, KEEL_TEMPORARY, false, NULL));
    REFUSED(keel_application_stop(nobody, NULL));
    REFUSED(keel_application_permit(one, true, NULL));
    NOTHING(keel_application_get_key(nobody, keel_atom(vsn)));
    NOTHING(keel_application_get_all_key(nobody));
    NOTHING(keel_application_of(dead_process()));
    NOTHING(keel_application_supervisor(nobody));
    NOTHING(keel_application_get_env(nothing, nothing, nothing));
    REFUSED(keel_application_fetch_env(nobody, one, &result));
    EXITS("{{badarg, _}, _}", keel_application_fetch_env_or_exit(nobody, keel_atom(key)));
    REFUSED(keel_application_put_env(one, one, one));
    REFUSED(keel_application_delete_env(one, one));
    REFUSED(keel_application_put_env_persistent(one, one, one));
    REFUSED(keel_application_delete_env_persistent(one, one));
    REFUSED(keel_application_put_env_text(one, one, NULL));
    REFUSED(keel_application_put_all_env(one, NULL));
    NOTHING(keel_application_get_all_env(nobody));
    REFUSED(keel_application_configure(one, NULL));
    REFUSED(keel_application_configure_file(NULL, NULL));
    NOTHING(keel_application_register(NULL));
    HARMLESS(keel_application_stop_all());
    HARMLESS(keel_application_on_shutdown(NULL));
    HARMLESS(keel_application_on_end(NULL));
    NOTHING(keel_application_which());
    NUMBER(true, keel_is_list(keel_application_loaded()));
    NOTHING(keel_application_start_type());
    HARMLESS(keel_main_stop(-1));
    NUMBER(2, keel_main(NULL, 0, NULL));
    NOTHING(keel_main_arguments());
    HARMLESS(keel_notify_watchdog()); // what the environment says
}

# The Elixir side of service.c. Start the service first, then
#
#   elixir --name iex@127.0.0.1 --cookie SECRET cluster.exs c@127.0.0.1

node = String.to_atom(hd(System.argv()))
true = Node.connect(node)
sums = {:sums, node}

IO.inspect(Node.list(), label: "nodes")
IO.inspect(GenServer.call(sums, {:sum, Enum.to_list(1..1000)}), label: "sum of 1..1000")
IO.inspect(:sys.get_state(sums), label: "its state")

send(sums, {:echo, self(), "hello"})
receive do: (message -> IO.inspect(message, label: "a message back"))

# A segmentation fault over there is a reason over here, and no more than that.
pid = :erpc.call(node, :erlang, :whereis, [:sums])
ref = Process.monitor(pid)

try do
  GenServer.call(sums, :crash)
catch
  :exit, {reason, _} -> IO.inspect(elem(reason, 0), label: "the call ended with")
end

receive do: ({:DOWN, ^ref, _, _, reason} -> IO.inspect(elem(reason, 0), label: "its monitor says"))

# Its supervisor has started another one meanwhile, or is about to.
again = fn again ->
  case Supervisor.which_children({:service, node}) do
    [{:sums, new, :worker, _}] when is_pid(new) and new != pid -> new
    _ -> again.(again)
  end
end

again.(again)
IO.inspect(GenServer.call(sums, {:sum, [20, 22]}), label: "the next one says")

processes = :erpc.call(node, :erlang, :processes, [])
IO.puts("Observer would show #{if length(processes) > 3, do: "its processes", else: "nothing"}")

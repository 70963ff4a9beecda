#include <keel/status.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char *own_text(keel_status status);
static const char *own_name(keel_status status);
static const char *system_name(keel_status status);

const char *keel_status_text(keel_status status)
{
    const char *text = own_text(status);
    // Only for numbers that exist: for others strerror() may write to a buffer of its own.
    if (text == NULL && system_name(status) != NULL) {
        text = strerror(-status);
    }
    return text != NULL ? text : "unknown status";
}

const char *keel_status_name(keel_status status)
{
    const char *name = own_name(status);
    if (name == NULL) {
        name = system_name(status);
    }
    return name != NULL ? name : "UNKNOWN";
}

static const char *own_text(keel_status status)
{
    switch (status) {
    case KEEL_OK:
        return "success";
#define KEEL_STATUS(name, number, sentence)                                                \
    case KEEL_E_##name:                                                                    \
        return sentence;
#include <keel/status.def>
#undef KEEL_STATUS
    }
    return NULL;
}

static const char *own_name(keel_status status)
{
    switch (status) {
    case KEEL_OK:
        return "OK";
#define KEEL_STATUS(name, number, sentence)                                                \
    case KEEL_E_##name:                                                                    \
        return #name;
#include <keel/status.def>
#undef KEEL_STATUS
    }
    return NULL;
}

// The C libraries do not agree on a function for this, so here are Linux's names.
static const char *system_name(keel_status status)
{
#define E(name) [name] = #name
    static const char *const names[] = {E(EPERM), E(ENOENT), E(ESRCH), E(EINTR), E(EIO),
            E(ENXIO), E(E2BIG), E(ENOEXEC), E(EBADF), E(ECHILD), E(EAGAIN), E(ENOMEM),
            E(EACCES), E(EFAULT), E(ENOTBLK), E(EBUSY), E(EEXIST), E(EXDEV), E(ENODEV),
            E(ENOTDIR), E(EISDIR), E(EINVAL), E(ENFILE), E(EMFILE), E(ENOTTY), E(ETXTBSY),
            E(EFBIG), E(ENOSPC), E(ESPIPE), E(EROFS), E(EMLINK), E(EPIPE), E(EDOM),
            E(ERANGE), E(EDEADLK), E(ENAMETOOLONG), E(ENOLCK), E(ENOSYS), E(ENOTEMPTY),
            E(ELOOP), E(ENOMSG), E(EIDRM), E(ECHRNG), E(EL2NSYNC), E(EL3HLT), E(EL3RST),
            E(ELNRNG), E(EUNATCH), E(ENOCSI), E(EL2HLT), E(EBADE), E(EBADR), E(EXFULL),
            E(ENOANO), E(EBADRQC), E(EBADSLT), E(EBFONT), E(ENOSTR), E(ENODATA), E(ETIME),
            E(ENOSR), E(ENONET), E(ENOPKG), E(EREMOTE), E(ENOLINK), E(EADV), E(ESRMNT),
            E(ECOMM), E(EPROTO), E(EMULTIHOP), E(EDOTDOT), E(EBADMSG), E(EOVERFLOW),
            E(ENOTUNIQ), E(EBADFD), E(EREMCHG), E(ELIBACC), E(ELIBBAD), E(ELIBSCN),
            E(ELIBMAX), E(ELIBEXEC), E(EILSEQ), E(ERESTART), E(ESTRPIPE), E(EUSERS),
            E(ENOTSOCK), E(EDESTADDRREQ), E(EMSGSIZE), E(EPROTOTYPE), E(ENOPROTOOPT),
            E(EPROTONOSUPPORT), E(ESOCKTNOSUPPORT), E(EOPNOTSUPP), E(EPFNOSUPPORT),
            E(EAFNOSUPPORT), E(EADDRINUSE), E(EADDRNOTAVAIL), E(ENETDOWN), E(ENETUNREACH),
            E(ENETRESET), E(ECONNABORTED), E(ECONNRESET), E(ENOBUFS), E(EISCONN),
            E(ENOTCONN), E(ESHUTDOWN), E(ETOOMANYREFS), E(ETIMEDOUT), E(ECONNREFUSED),
            E(EHOSTDOWN), E(EHOSTUNREACH), E(EALREADY), E(EINPROGRESS), E(ESTALE),
            E(EUCLEAN), E(ENOTNAM), E(ENAVAIL), E(EISNAM), E(EREMOTEIO), E(EDQUOT),
            E(ENOMEDIUM), E(EMEDIUMTYPE), E(ECANCELED), E(ENOKEY), E(EKEYEXPIRED),
            E(EKEYREVOKED), E(EKEYREJECTED), E(EOWNERDEAD), E(ENOTRECOVERABLE), E(ERFKILL),
            E(EHWPOISON)};
#undef E
    int count = (int)(sizeof names / sizeof names[0]);
    return status < 0 && status > -count ? names[-status] : NULL;
}

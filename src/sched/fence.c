#include "fence.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

uint32_t kl_fence_symmetric;

static long membarrier(int command)
{
    return syscall(SYS_membarrier, command, 0, 0);
}

void kl_fence_init(void)
{
    kl_fence_symmetric = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0;
}

void kl_fence_heavy(void)
{
    kl_fence_full();
    if (!kl_fence_symmetric && membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0) {
        kl_panic("the kernel refuses a membarrier it has accepted before");
    }
}

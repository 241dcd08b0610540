/*
 * Runs a program, and kills it before one of the messages by which it changes the kernel:
 *
 *     at-change REPORT LIMIT PROGRAM [ARGUMENT...]
 *
 * The messages of all its threads that ask for a change by netlink are counted together: those of rtnetlink that do not
 * only read, the batches of nf_tables, and connections that are made or deleted. (A program of many threads makes its
 * other system calls in another order each time.) Only the calls that send stop it: the rest runs at its own speed.
 *
 * REPORT is a file that gets a line for each change, before it is made: "NUMBER PROTOCOL TYPE".
 * LIMIT is a file with how many changes the program may make: before the next one it is killed. Without the file there is
 * no limit. It is read before each change, so that a test can set it while the program runs.
 * The exit code is that of the program, or 128 and the signal that ended it.
 */
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "tracer.h"

static const char *limit;
static long count;
static int descriptors;

/* The netlink protocol of a socket of the program; -1: it is another socket. */
static int protocol_of(int descriptor)
{
    int copy = (int)syscall(SYS_pidfd_getfd, descriptors, descriptor, 0);
    int domain = 0, protocol = -1;
    socklen_t size = sizeof domain;

    if (copy < 0)
        return -1;
    if (getsockopt(copy, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_NETLINK)
        getsockopt(copy, SOL_SOCKET, SO_PROTOCOL, &protocol, &size);
    close(copy);
    return protocol;
}

static int changes(int protocol, unsigned type)
{
    /* Of four types of rtnetlink the third reads: RTM_GETLINK, RTM_GETADDR, ... */
    if (protocol == NETLINK_ROUTE)
        return type >= NLMSG_MIN_TYPE && (type & 3) != 2;
    if (protocol != NETLINK_NETFILTER)
        return 0;
    return type == NFNL_MSG_BATCH_BEGIN || type == (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW)
        || type == (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE);
}

static long read_limit(void)
{
    FILE *file = fopen(limit, "re");
    long most = -1;

    if (!file)
        return -1;
    if (fscanf(file, "%ld", &most) != 1)
        most = -1;
    fclose(file);
    return most;
}

static void on_send(pid_t thread)
{
    struct __ptrace_syscall_info info;
    struct nlmsghdr header;
    struct iovec here = {&header, sizeof header}, there = {NULL, sizeof header};
    int protocol;

    /* A thread that was killed meanwhile has no more to tell. */
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) < 0 || info.op != PTRACE_SYSCALL_INFO_SECCOMP)
        return;
    protocol = protocol_of((int)info.seccomp.args[0]);
    there.iov_base = (void *)(size_t)info.seccomp.args[1];
    if (protocol < 0 || process_vm_readv(program, &here, 1, &there, 1, 0) != sizeof header
        || !changes(protocol, header.nlmsg_type))
        return;
    if (count == read_limit()) {
        kill(program, SIGKILL);
        return;
    }
    fprintf(report, "%ld %d %u\n", ++count, protocol, header.nlmsg_type);
    fflush(report);
}

static enum __ptrace_request how_on(void)
{
    return PTRACE_CONT;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: at-change REPORT LIMIT PROGRAM [ARGUMENT...]\n");
        return 125;
    }
    open_report(argv[1]);
    limit = argv[2];
    start(argv + 3, SYS_sendto);
    descriptors = (int)syscall(SYS_pidfd_open, program, 0);
    if (descriptors < 0)
        fail("open the program");
    return run(on_send, how_on);
}

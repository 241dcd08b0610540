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
#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *report;
static const char *limit;
static long count;
static pid_t program;
static int descriptors;

static void fail(const char *what)
{
    fprintf(stderr, "at-change: %s: %s\n", what, strerror(errno));
    exit(125);
}

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

static void stop_at_sends(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendto, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog code = {sizeof filter / sizeof *filter, filter};

    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &code) < 0)
        fail("filter system calls");
}

static void start(char **command)
{
    const long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;

    program = fork();
    if (program < 0)
        fail("fork");
    if (program == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        stop_at_sends();
        execv(command[0], command);
        fail(command[0]);
    }
    if (waitpid(program, NULL, 0) < 0 || ptrace(PTRACE_SETOPTIONS, program, 0, options) < 0)
        fail("trace the program");
    descriptors = (int)syscall(SYS_pidfd_open, program, 0);
    if (descriptors < 0)
        fail("open the program");
    ptrace(PTRACE_CONT, program, 0, 0);
}

int main(int argc, char **argv)
{
    int status, code = 125;
    pid_t thread;

    if (argc < 4) {
        fprintf(stderr, "usage: at-change REPORT LIMIT PROGRAM [ARGUMENT...]\n");
        return 125;
    }
    report = fopen(argv[1], "we");
    if (!report)
        fail(argv[1]);
    limit = argv[2];
    start(argv + 3);

    while ((thread = waitpid(-1, &status, __WALL)) > 0) {
        int sent = 0;

        if (!WIFSTOPPED(status)) {
            if (thread == program)
                code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            continue;
        }
        if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
            on_send(thread);
        else if (WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP)
            /* A thread begins with SIGSTOP, a traced program with SIGTRAP: these are not for the program. */
            sent = WSTOPSIG(status);
        ptrace(PTRACE_CONT, thread, 0, sent);
    }
    fclose(report);
    return code;
}

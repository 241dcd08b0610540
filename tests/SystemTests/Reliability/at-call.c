/*
 * Runs a program, and does something at one of its system calls:
 *
 *     at-call REPORT COUNT[/CALL] ACTION PROGRAM [ARGUMENT...]
 *
 * The calls of all its threads are counted together, from the first netlink socket, which is number 1: before that a
 * runtime starts, and nothing has been done yet. (strace counts the calls of each thread by themselves, so that it cannot
 * name one of the second thread without meeting the first.) With /CALL only the calls of that number (__NR_...) count:
 * memory that is asked for here in one run and there in another moves the others. Programs that the program starts are
 * left alone.
 *
 *     error:NUMBER    the call is not made, and fails with this error number
 *     signal:NUMBER   the signal comes before the call is made; SIGKILL (9): the call is never made
 *     run:COMMAND     a shell runs the command before the call is made
 *     none            nothing is done
 *
 * REPORT is a file that gets the number of the call that was met (__NR_...), on a line; with COUNT 0 those of all calls.
 * The exit code is that of the program, or 128 and the signal that ended it.
 */
#include <errno.h>
#include <linux/filter.h>
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
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *report;
static long wanted, count, only = -1;
static int counting;
static const char *action;
static pid_t program, failing;

static void fail(const char *what)
{
    fprintf(stderr, "at-call: %s: %s\n", what, strerror(errno));
    exit(125);
}

static int argument(void)
{
    return atoi(strchr(action, ':') + 1);
}

static void set_register(pid_t thread, size_t offset, long value)
{
    if (ptrace(PTRACE_POKEUSER, thread, offset, value) < 0 && errno != ESRCH)
        fail("set a register");
}

static void act(pid_t thread, long call)
{
    if (!strncmp(action, "error:", 6)) {
        /* The end cannot fail: who calls for it believes that nothing comes after it. */
        if (call == SYS_exit_group || call == SYS_exit)
            return;
        /* There is no call of this number; what it returns is set when it does. */
        set_register(thread, offsetof(struct user, regs.orig_rax), -1);
        failing = thread;
    } else if (!strncmp(action, "signal:", 7)) {
        kill(program, argument());
    } else if (!strncmp(action, "run:", 4)) {
        if (system(action + 4) != 0)
            fprintf(stderr, "at-call: the command failed: %s\n", action + 4);
    }
}

static void on_call(pid_t thread)
{
    struct __ptrace_syscall_info info;

    /* A thread that was killed meanwhile has no more to tell. */
    if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info) < 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && thread == failing) {
        set_register(thread, offsetof(struct user, regs.rax), -argument());
        failing = 0;
    }
    /* Only the filter's stops are there before the first netlink socket; later, a call that it stops has stopped already. */
    if (info.op != (counting ? PTRACE_SYSCALL_INFO_ENTRY : PTRACE_SYSCALL_INFO_SECCOMP))
        return;
    if (!counting && info.entry.args[0] != AF_NETLINK)
        return;
    counting = 1;
    if (only >= 0 && (long)info.entry.nr != only)
        return;
    count++;
    if (wanted == 0 || count == wanted)
        fprintf(report, "%lld\n", (long long)info.entry.nr);
    if (count == wanted)
        act(thread, (long)info.entry.nr);
}

/* Until the first netlink socket the program runs at its own speed: only its socket calls stop it. */
static void stop_at_sockets(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog code = {sizeof filter / sizeof *filter, filter};

    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &code) < 0)
        fail("filter system calls");
}

static void start(char **command)
{
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;

    program = fork();
    if (program < 0)
        fail("fork");
    if (program == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        stop_at_sockets();
        execv(command[0], command);
        fail(command[0]);
    }
    if (waitpid(program, NULL, 0) < 0 || ptrace(PTRACE_SETOPTIONS, program, 0, options) < 0)
        fail("trace the program");
    ptrace(PTRACE_CONT, program, 0, 0);
}

int main(int argc, char **argv)
{
    int status, code = 125;
    pid_t thread;

    if (argc < 5) {
        fprintf(stderr, "usage: at-call REPORT COUNT[/CALL] ACTION PROGRAM [ARGUMENT...]\n");
        return 125;
    }
    report = fopen(argv[1], "we");
    if (!report)
        fail(argv[1]);
    wanted = atol(argv[2]);
    if (strchr(argv[2], '/'))
        only = atol(strchr(argv[2], '/') + 1);
    action = argv[3];
    start(argv + 4);

    while ((thread = waitpid(-1, &status, __WALL)) > 0) {
        int sent = 0;

        if (!WIFSTOPPED(status)) {
            if (thread == program)
                code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            continue;
        }
        if (WSTOPSIG(status) == (SIGTRAP | 0x80) || status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
            on_call(thread);
        else if (WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP)
            /* A thread begins with SIGSTOP, a traced program with SIGTRAP: these are not for the program. */
            sent = WSTOPSIG(status);
        /* When the deed is done, the program goes on at its own speed again. */
        ptrace(counting && (wanted == 0 || count < wanted || failing) ? PTRACE_SYSCALL : PTRACE_CONT, thread, 0, sent);
    }
    fclose(report);
    return code;
}

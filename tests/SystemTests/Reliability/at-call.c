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
#include <sys/socket.h>
#include <sys/user.h>
#include "tracer.h"

static long wanted, count, only = -1;
static int counting;
static const char *action;
static pid_t failing;

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

/* When the deed is done, the program goes on at its own speed again. */
static enum __ptrace_request how_on(void)
{
    return counting && (wanted == 0 || count < wanted || failing) ? PTRACE_SYSCALL : PTRACE_CONT;
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: at-call REPORT COUNT[/CALL] ACTION PROGRAM [ARGUMENT...]\n");
        return 125;
    }
    open_report(argv[1]);
    wanted = atol(argv[2]);
    if (strchr(argv[2], '/'))
        only = atol(strchr(argv[2], '/') + 1);
    action = argv[3];
    /* Until the first netlink socket the program runs at its own speed: only its socket calls stop it. */
    start(argv + 4, SYS_socket);
    return run(on_call, how_on);
}

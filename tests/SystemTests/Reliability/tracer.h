/*
 * What at-call and at-change share: they run a program under ptrace(2), which one of its system calls stops by a seccomp
 * filter. All other calls run at their own speed.
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *report;
static pid_t program;

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(125);
}

static void open_report(const char *path)
{
    report = fopen(path, "we");
    if (!report)
        fail(path);
}

static void stop_at(unsigned call)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog code = {sizeof filter / sizeof *filter, filter};

    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &code) < 0)
        fail("filter system calls");
}

/* Starts the program. It waits, and is to be continued. */
static void start(char **command, unsigned call)
{
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL;

    program = fork();
    if (program < 0)
        fail("fork");
    if (program == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        stop_at(call);
        execv(command[0], command);
        fail(command[0]);
    }
    if (waitpid(program, NULL, 0) < 0 || ptrace(PTRACE_SETOPTIONS, program, 0, options) < 0)
        fail("trace the program");
}

/*
 * Lets the program run to its end. on_call hears of a thread that has stopped at a system call, and how_on says how any
 * thread goes on: PTRACE_CONT, or PTRACE_SYSCALL to its next system call. Returns the exit code.
 */
static int run(void (*on_call)(pid_t thread), enum __ptrace_request (*how_on)(void))
{
    int status, code = 125;
    pid_t thread;

    ptrace(PTRACE_CONT, program, 0, 0);
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
        ptrace(how_on(), thread, 0, sent);
    }
    fclose(report);
    return code;
}

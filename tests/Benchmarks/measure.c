/*
 * Runs a program in a network namespace, and prints what it cost:
 *
 *     measure NETNS STDIN STDOUT PROGRAM [ARGUMENT...]
 *
 * One line: microseconds from its start to its end, microseconds of user and of system time, the most memory in KiB. With the
 * processes that it started and waited for. Its errors go nowhere; the exit code is its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what)
{
    fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
    exit(125);
}

static long microseconds(struct timeval time)
{
    return time.tv_sec * 1000000L + time.tv_usec;
}

int main(int count, char **arguments)
{
    if (count < 5)
        return 125;
    int space = open(arguments[1], O_RDONLY | O_CLOEXEC);
    int input = open(arguments[2], O_RDONLY | O_CLOEXEC);
    struct stat executable;
    if (stat(arguments[3], &executable) == 0 && S_ISREG(executable.st_mode) && (executable.st_mode & 0111))
    {
        fprintf(stderr, "measure: %s is a program: STDOUT is missing\n", arguments[3]);
        return 125;
    }
    int output = open(arguments[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (space < 0 || input < 0 || output < 0 || nowhere < 0 || setns(space, CLONE_NEWNET) < 0)
        fail(arguments[1]);

    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pid_t child = vfork();
    if (child == 0) {
        dup2(input, 0);
        dup2(output, 1);
        dup2(nowhere, 2);
        execv(arguments[4], arguments + 4);
        _exit(127);
    }

    int status;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) < 0)
        fail(arguments[4]);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%ld %ld %ld %ld\n", (end.tv_sec - start.tv_sec) * 1000000L + (end.tv_nsec - start.tv_nsec) / 1000,
        microseconds(usage.ru_utime), microseconds(usage.ru_stime), usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * Connections at a steady rate, and the server that answers them:
 *
 *     connections serve ADDRESS PORT
 *     connections ask ADDRESS PORT PER_SECOND MILLISECONDS KEPT
 *
 * The server greets each connection with a byte and echoes what comes. The client opens connections whether or not the ones
 * before are answered; each ends with the greeting. KEPT connections stay open meanwhile, and send a byte whenever the last one
 * is back. One line at the end: opened, lost (an error, or no greeting for 5 s), SYNs sent again, slowest in microseconds, KEPT
 * connections that broke, bytes echoed on the others.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1000, PATIENCE = 5000000 };

static int events;
static struct sockaddr_in address;

static long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000L + time.tv_nsec / 1000;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void watch(int socket, int flags)
{
    struct epoll_event event = { .events = flags, .data.fd = socket };
    if (epoll_ctl(events, EPOLL_CTL_ADD, socket, &event) < 0)
        fail("epoll_ctl");
}

static void serve(void)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0)
        fail("listen");
    watch(listener, EPOLLIN);
    fprintf(stdout, "ready\n");
    fflush(stdout);
    for (;;) {
        struct epoll_event found[64];
        int count = epoll_wait(events, found, 64, -1);
        for (int i = 0; i < count; i++) {
            char buffer[256] = "!";
            int socket = found[i].data.fd;
            if (socket == listener) {
                while ((socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    watch(socket, EPOLLIN);
                    (void)!write(socket, buffer, 1);
                }
                continue;
            }
            ssize_t length = read(socket, buffer, sizeof buffer);
            if (length <= 0 || write(socket, buffer, length) != length)
                close(socket);
        }
    }
}

static int open_one(void)
{
    /* Reset at its end: no TIME_WAIT, so that ports do not run out. */
    struct linger hard = { .l_onoff = 1 };
    int on = 1, made = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (made < 0)
        fail("socket");
    setsockopt(made, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(made, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        fail("connect");
    watch(made, EPOLLIN);
    return made;
}

static void ask(long rate, long length, int kept)
{
    static long begun[MOST * 4]; /* by descriptor; 0: not one of those that end with the greeting */
    long opened = 0, lost = 0, again = 0, slowest = 0, echoed = 0, broken = 0, open = 0;
    long start = now(), end = start + length * 1000;
    for (int i = 0; i < kept; i++)
        open_one();
    for (long time = start; time < end || (open > 0 && time < end + PATIENCE); time = now()) {
        while (time < end && open < MOST && opened < (time - start) * rate / 1000000) {
            int made = open_one();
            begun[made] = now();
            opened++;
            open++;
        }
        struct epoll_event found[64];
        int count = epoll_wait(events, found, 64, 1);
        for (int i = 0; i < count; i++) {
            char byte;
            int socket = found[i].data.fd;
            int got = read(socket, &byte, 1) == 1;
            if (begun[socket] == 0) {
                if (got && write(socket, &byte, 1) == 1)
                    echoed++;
                else {
                    broken++;
                    close(socket);
                }
                continue;
            }
            struct tcp_info info = { 0 };
            socklen_t size = sizeof info;
            getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size);
            again += info.tcpi_total_retrans;
            lost += !got;
            long took = now() - begun[socket];
            slowest = took > slowest ? took : slowest;
            begun[socket] = 0;
            close(socket);
            open--;
        }
    }
    printf("%ld %ld %ld %ld %ld %ld\n", opened, lost + open, again, slowest, broken, echoed);
}

int main(int count, char **arguments)
{
    signal(SIGPIPE, SIG_IGN);
    events = epoll_create1(0);
    address.sin_family = AF_INET;
    if (count < 4 || inet_pton(AF_INET, arguments[2], &address.sin_addr) != 1)
        return 1;
    address.sin_port = htons(atoi(arguments[3]));
    if (strcmp(arguments[1], "serve") == 0)
        serve();
    if (count < 7)
        return 1;
    ask(atol(arguments[4]), atol(arguments[5]), atoi(arguments[6]));
    return 0;
}

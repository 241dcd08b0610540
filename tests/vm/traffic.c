/* The traffic of the VM tests, in one static program, because the guest has no more than busybox:
 *
 *   traffic serve PROTOCOL ADDRESS PORT           answers every connection or datagram with the address that it came from
 *   traffic ask PROTOCOL ADDRESS PORT [SECONDS]   prints the answer; fails when there is none in this time
 *
 * PROTOCOL is tcp, udp or sctp (RFC 6458, one-to-one style); ADDRESS is IPv4 or IPv6. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static socklen_t parse(const char *address, const char *port, struct sockaddr_storage *to)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)to;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)to;
    memset(to, 0, sizeof *to);
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(atoi(port));
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(atoi(port));
        return sizeof *v6;
    }
    fprintf(stderr, "%s is no address\n", address);
    exit(2);
}

static void print(const struct sockaddr_storage *from, char *text, size_t size)
{
    const void *bytes = from->ss_family == AF_INET ? (const void *)&((const struct sockaddr_in *)from)->sin_addr
                                                   : (const void *)&((const struct sockaddr_in6 *)from)->sin6_addr;
    if (!inet_ntop(from->ss_family, bytes, text, size))
        fail("inet_ntop");
}

static int serve(int s, int stream, const struct sockaddr_storage *at, socklen_t length)
{
    int on = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(s, (const struct sockaddr *)at, length) < 0)
        fail("bind");
    if (stream && listen(s, 16) < 0)
        fail("listen");

    /* Ready: the caller goes on when this process has become the background's. */
    pid_t pid = fork();
    if (pid < 0)
        fail("fork");
    if (pid > 0) {
        printf("%d\n", pid);
        return 0;
    }
    close(1);
    for (;;) {
        struct sockaddr_storage from;
        socklen_t size = sizeof from;
        char text[64];
        if (stream) {
            int connection = accept(s, (struct sockaddr *)&from, &size);
            if (connection < 0)
                continue;
            print(&from, text, sizeof text);
            (void)!write(connection, text, strlen(text));
            close(connection);
        } else if (recvfrom(s, text, sizeof text, 0, (struct sockaddr *)&from, &size) >= 0) {
            print(&from, text, sizeof text);
            sendto(s, text, strlen(text), 0, (struct sockaddr *)&from, size);
        }
    }
}

static int ask(int s, int stream, const struct sockaddr_storage *to, socklen_t length, int seconds)
{
    char text[64];
    struct timeval limit = {seconds, 0};
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    /* Also the limit of connect (socket(7)). */
    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(s, (const struct sockaddr *)to, length) < 0)
        fail("connect");
    if (!stream && send(s, "?", 1, 0) < 0)
        fail("send");
    ssize_t count = recv(s, text, sizeof text - 1, 0);
    if (count <= 0)
        fail("recv");
    text[count] = 0;
    puts(text);
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_storage address;
    if (argc != 5 && argc != 6) {
        fprintf(stderr, "usage: traffic serve|ask tcp|udp|sctp ADDRESS PORT [SECONDS]\n");
        return 2;
    }
    socklen_t length = parse(argv[3], argv[4], &address);
    int stream = strcmp(argv[2], "udp") != 0;
    int protocol = !stream ? IPPROTO_UDP : strcmp(argv[2], "sctp") == 0 ? IPPROTO_SCTP : IPPROTO_TCP;
    int s = socket(address.ss_family, stream ? SOCK_STREAM : SOCK_DGRAM, protocol);
    if (s < 0)
        fail(argv[2]);
    signal(SIGPIPE, SIG_IGN);
    if (strcmp(argv[1], "serve") == 0)
        return serve(s, stream, &address, length);
    /* SCTP sends a lost packet again after three seconds (RFC 9260, section 16). */
    return ask(s, stream, &address, length, argc == 6 ? atoi(argv[5]) : 10);
}

/*
 * The least that an ADD can cost: sends the netlink messages that an ADD of egress-router sent, from the same number of
 * sockets, reads the answers, and does nothing else.
 *
 *     floor NETNS RECORD
 *
 * RECORD has a line for each datagram: "node", "route" or "netfilter", for the socket, and its bytes in hexadecimal. A first
 * line "fd N" tells the descriptor by which the messages name the pod's namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX (1 << 22)

static char line[2 * MAX];
static unsigned char message[MAX], answer[1 << 17];

static void fail(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Everything that is there; an error among it would mean that the messages do not fit. */
static void drain(int socket)
{
    for (;;) {
        ssize_t length = recv(socket, answer, sizeof answer, MSG_DONTWAIT);
        if (length < 0)
            return;
        struct nlmsghdr *header = (struct nlmsghdr *)answer;
        if (header->nlmsg_type == NLMSG_ERROR && ((struct nlmsgerr *)NLMSG_DATA(header))->error < 0) {
            errno = -((struct nlmsgerr *)NLMSG_DATA(header))->error;
            fail("the kernel refused a message");
        }
    }
}

int main(int count, char **arguments)
{
    int descriptor;
    FILE *record = count == 3 ? fopen(arguments[2], "r") : NULL;
    if (!record || fscanf(record, "fd %d\n", &descriptor) != 1)
        fail("the record");
    int node = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    int space = open(arguments[1], O_RDONLY | O_CLOEXEC);
    if (node < 0 || space < 0 || setns(space, CLONE_NEWNET) < 0)
        fail(arguments[1]);
    int route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    int netfilter = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    int on = 1, large = MAX;
    setsockopt(node, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    setsockopt(route, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    setsockopt(netfilter, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large);
    /* The sockets may have that number: it is given to the namespace when they have moved away. */
    node = fcntl(node, F_DUPFD, 100);
    route = fcntl(route, F_DUPFD, 100);
    netfilter = fcntl(netfilter, F_DUPFD, 100);
    if (dup2(space, descriptor) < 0)
        fail("the descriptor of the namespace");

    while (fgets(line, sizeof line, record)) {
        char *hex = strchr(line, ' ') + 1;
        size_t length = strcspn(hex, "\n") / 2;
        for (size_t i = 0; i < length; i++)
            message[i] = (unsigned char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
        int socket = !strncmp(line, "node", 4) ? node : !strncmp(line, "route", 5) ? route : netfilter;
        if (send(socket, message, length, 0) < 0)
            fail("send");
        drain(socket);
    }
    return 0;
}

/*
 * The plugin's executable where an agent runs. It hands the call over to the agent, and prints the answer. If there is no
 * agent, or if it does not accept the call, or if the connection closes before the answer, the launcher becomes the full
 * executable, with the same standard input and the name of the call. So a call never depends on the agent, and is done once.
 *
 * agent/protocol.ts describes the messages.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef NSNET_VERSION
#define NSNET_VERSION "development"
#endif

enum { ACCEPT_MS = 250, MESSAGE_BYTES_MAX = 64 * 1024, STDIN = 0, STDOUT = 1, STDERR = 2 };
static const uint32_t MAGIC = 0x4e534e31; /* NSN1 */

/* In the file, so that install and status read of which version it is without running it. */
static const char mark[] __attribute__((used)) = "ns-net-launcher " NSNET_VERSION;
static const char *version = mark + sizeof "ns-net-launcher";

extern char **environ;
static char call_id[33];
static int agent = -1;
static int may_have_begun = 0;

/* The full executable, which lies beside this one. */
static char full_path[4096];
static int full = -1;

/* Opened at once: an uninstall meanwhile takes away its name, not the file. */
static void find_full(void) {
  ssize_t length = readlink("/proc/self/exe", full_path, sizeof full_path - sizeof "ns-net-full");
  char *slash = length < 0 ? NULL : memrchr(full_path, '/', (size_t)length);
  if (slash == NULL) strcpy(full_path, "/opt/cni/bin/ns-net-full");
  else strcpy(slash + 1, "ns-net-full");
  full = open(full_path, O_PATH | O_CLOEXEC);
}

/* Becomes the full executable. */
static void run_full(char **arguments, int input) {
  if (input >= 0) {
    lseek(input, 0, SEEK_SET);
    dup2(input, STDIN);
  }
  if (may_have_begun) setenv("NSNET_HAND_OVER", call_id, 1);
  else unsetenv("NSNET_HAND_OVER");
  execv(full_path, arguments);
  int refusal = errno;
  if (refusal == ENOENT && full >= 0) fexecve(full, arguments, environ);
  const char *verb = getenv("CNI_COMMAND");
  FILE *to = verb ? stdout : stderr;
  fprintf(to, "{\"cniVersion\":\"1.1.0\",\"code\":5,\"msg\":\"Cannot run %s: %s\",\"details\":\"Install it beside this file: ns-net install --agent\"}\n",
          full_path, strerror(refusal));
  exit(1);
}

/* Standard input in memory: the agent reads it, and the full executable may have to read it again. Negative for a failure. */
static int kept_input(void) {
  int copy = memfd_create("stdin", MFD_CLOEXEC);
  char bytes[16384];
  if (copy < 0) return -1;
  for (;;) {
    ssize_t length = read(STDIN, bytes, sizeof bytes);
    if (length < 0 && errno == EINTR) continue;
    if (length <= 0) return copy;
    for (ssize_t at = 0; at < length;) {
      ssize_t written = write(copy, bytes + at, (size_t)(length - at));
      if (written < 0 && errno != EINTR) return copy;
      if (written > 0) at += written;
    }
  }
}

/* Milliseconds since boot, 12 hexadecimal digits, and 20 random ones. Without an id nothing is handed over. */
static void make_call_id(void) {
  struct timespec now;
  unsigned char random[10];
  if (clock_gettime(CLOCK_BOOTTIME, &now) || getrandom(random, sizeof random, 0) != sizeof random) return;
  sprintf(call_id, "%012llx", (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000);
  for (size_t i = 0; i < sizeof random; i++) sprintf(call_id + 12 + 2 * i, "%02x", random[i]);
}

static char message[MESSAGE_BYTES_MAX];
static size_t message_length = 8; /* the magic number and the length come first */

/* False if the message has no more room. */
static int add_text(const char *text) {
  size_t length = strlen(text) + 1;
  if (length > sizeof message - message_length) return 0;
  memcpy(message + message_length, text, length);
  message_length += length;
  return 1;
}

static int add_inode(const char *path) {
  struct stat found;
  char text[32];
  if (stat(path, &found)) return 0;
  snprintf(text, sizeof text, "%llu", (unsigned long long)found.st_ino);
  return add_text(text);
}

static int compose(const char *called_as) {
  if (!add_text(version) || !add_text(call_id)) return 0;
  if (!add_inode("/proc/self/ns/mnt") || !add_inode("/proc/self/ns/pid") || !add_inode("/proc/self/ns/net") || !add_text(called_as)) return 0;
  for (char **one = environ; *one; one++)
    if (!add_text(*one)) return 0; /* all of them, because delegates get them */
  uint32_t head[2] = { MAGIC, (uint32_t)message_length };
  memcpy(message, head, sizeof head);
  return 1;
}

/* Only a process of the same user is trusted with the call. */
static int connected(void) {
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct ucred other;
  socklen_t length = sizeof other;
  const char *path = getenv("NSNET_AGENT");
  agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (agent < 0) return 0;
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path ? path : "/run/ns-net/agent.sock");
  if (connect(agent, (struct sockaddr *)&address, sizeof address)) return 0;
  return !getsockopt(agent, SOL_SOCKET, SO_PEERCRED, &other, &length) && other.uid == geteuid();
}

static int say(char what) { return send(agent, &what, 1, MSG_NOSIGNAL) == 1; }

/* The agent undoes an ADD, and answers. */
static void pass_on(int signal) {
  (void)signal;
  int kept = errno;
  say('T');
  errno = kept;
}

/* Sends the message with standard input and the namespace, if there is one. */
static int send_call(int input, int netns) {
  int descriptors[2] = { input, netns };
  size_t count = netns < 0 ? 1 : 2;
  union { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof descriptors)]; } control = { 0 };
  struct iovec part = { message, message_length };
  struct msghdr call = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
                         .msg_controllen = CMSG_SPACE(count * sizeof *descriptors) };
  struct cmsghdr *first = CMSG_FIRSTHDR(&call);
  first->cmsg_level = SOL_SOCKET;
  first->cmsg_type = SCM_RIGHTS;
  first->cmsg_len = CMSG_LEN(count * sizeof *descriptors);
  memcpy(CMSG_DATA(first), descriptors, count * sizeof *descriptors);
  return sendmsg(agent, &call, MSG_NOSIGNAL) == (ssize_t)message_length;
}

/* Reads exactly that much, each part within the time; a negative time is for ever. */
static int read_all(void *into, size_t length, int within_ms) {
  for (size_t at = 0; at < length;) {
    struct pollfd ready = { agent, POLLIN, 0 };
    int found = poll(&ready, 1, within_ms);
    if (found < 0 && errno == EINTR) continue;
    if (found <= 0) return 0;
    ssize_t count = read(agent, (char *)into + at, length - at);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return 0;
    at += (size_t)count;
  }
  return 1;
}

static int print_all(int to, const char *text, size_t length) {
  for (size_t at = 0; at < length;) {
    ssize_t count = write(to, text + at, length - at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      struct pollfd ready = { to, POLLOUT, 0 };
      poll(&ready, 1, -1);
      continue;
    }
    if (count < 0) return 0;
    at += (size_t)count;
  }
  return 1;
}

/* The exit code of a call that the agent served; negative if it must be done without. */
static int handed_over(const char *called_as, int input) {
  const char *netns_path = getenv("CNI_NETNS");
  if (input < 0 || !call_id[0] || !compose(called_as)) return -1;
  int netns = netns_path && *netns_path ? open(netns_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
  char accepted;
  struct { int32_t code; uint32_t out, err; } answer;
  if (!connected() || !send_call(input, netns)) return -1;
  if (!read_all(&accepted, 1, ACCEPT_MS) || accepted != 'A') return -1;
  struct sigaction passing = { .sa_handler = pass_on };
  sigaction(SIGTERM, &passing, NULL);
  sigaction(SIGINT, &passing, NULL);
  may_have_begun = 1;
  if (!say('G') || !read_all(&answer, sizeof answer, -1)) return -1;
  char *text = malloc((size_t)answer.out + answer.err + 1);
  if (!text || !read_all(text, (size_t)answer.out + answer.err, -1)) return -1;
  print_all(STDERR, text + answer.out, answer.err);
  if (answer.code < 0) return -1; /* handed back */
  if (!print_all(STDOUT, text, answer.out)) return -1; /* the full executable undoes what cannot be reported */
  say('K');
  return answer.code;
}

int main(int count, char **arguments) {
  const char *verb = getenv("CNI_COMMAND");
  if (count < 1) return 1;
  find_full();
  if (!verb || !*verb || !strcmp(verb, "VERSION") || count > 1) run_full(arguments, -1);
  int input = kept_input();
  make_call_id();
  int code = handed_over(arguments[0], input);
  if (code < 0) run_full(arguments, input);
  return code;
}

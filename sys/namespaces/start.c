/*
 * Starts a process in namespaces: its own new ones, and existing ones that it enters first.
 *
 * The kernel lets a process with several threads neither create nor enter a user namespace, and Bun has several threads
 * (user_namespaces(7), setns(2)). So a short-lived child, which has one thread, does that here in C and then starts the
 * process as its sister:
 *
 *   caller ──┬── child: enters and creates namespaces, starts the process (CLONE_PARENT), ends
 *            └── process: in these namespaces; mounts, executes the program
 *                or, with `init`: reaps, and has the program as its child
 *
 * Both share the caller's memory (CLONE_VM), on stacks of their own: to copy the page tables of Bun takes milliseconds,
 * and a lab starts hundreds of processes. The caller waits meanwhile (CLONE_VFORK). A process that only reaps goes on
 * in the shared memory, where it does nothing but sleep in the kernel. One that reaps and has a program is a copy.
 *
 * Nothing here is included, so that it compiles on a machine without the headers of C. Between clone and execve only
 * system calls are made, because both have the memory of a process without its threads. For the same reason the ids are
 * set by the system calls themselves: the functions of glibc would set them in the caller's threads, too.
 */

int *__errno_location(void);
long syscall(long number, ...);
int setns(int descriptor, int kinds);
int unshare(int kinds);
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int sethostname(const char *name, unsigned long length);
int chdir(const char *path);
int clone(int (*function)(void *), void *stack, int flags, void *argument, ...);
void *mmap(void *address, unsigned long length, int protection, int flags, int file, long offset);
int setsid(void);
int getpid(void);
int getpgid(int pid);
int setpgid(int pid, int group);
int tcgetpgrp(int terminal);
int tcsetpgrp(int terminal, int group);
int open(const char *path, int flags, ...);
long read(int descriptor, void *bytes, unsigned long length);
long write(int descriptor, const void *bytes, unsigned long length);
int close(int descriptor);
int dup2(int from, int to);
int pipe2(int *ends, int flags);
int poll(void *descriptors, unsigned long count, int timeout_ms);
int prctl(int option, ...);
int kill(int pid, int signal);
int pause(void);
int waitpid(int pid, int *status, int options);
int execve(const char *path, char *const *arguments, char *const *environment);
int sigprocmask(int how, const void *set, void *before);
void (*signal(int number, void (*handler)(int)))(int);
int sigaction(int number, const void *action, void *before);
void _exit(int status);

enum {
  CLONE_VM = 0x100, CLONE_VFORK = 0x4000, CLONE_PARENT = 0x8000, CLONE_NEWUSER = 0x10000000, /* linux/sched.h */
  PROT_READ_WRITE = 3, MAP_PRIVATE_ANONYMOUS = 0x22,                    /* asm-generic/mman-common.h */
  O_WRONLY = 1, O_CLOEXEC = 02000000,                                   /* asm-generic/fcntl.h */
  EINTR = 4, ENOENT = 2, EACCES = 13, ENOTDIR = 20, EIO = 5,            /* asm-generic/errno-base.h */
  SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGKILL = 9, SIGUSR1 = 10, SIGUSR2 = 12, SIGPIPE = 13, SIGTERM = 15,
  SIGCHLD = 17, SIGCONT = 18, SIGTSTP = 20, SIGTTOU = 22, SIGXFSZ = 25, SIG_SETMASK = 2, signals = 64,            /* asm-generic/signal.h */
  WUNTRACED = 2,                                                        /* linux/wait.h */
  PR_SET_PDEATHSIG = 1, PR_SET_NAME = 15,                               /* linux/prctl.h */
  POLLERR = 8,                                                          /* asm-generic/poll.h */
  signal_set_words = 16,                                                /* sigset_t of glibc and musl: 128 bytes */
};
enum { SYS_close_range = 436 };                                         /* asm/unistd.h: the same everywhere */
#ifdef __aarch64__
enum { SYS_clone = 220, SYS_setgroups = 159, SYS_setgid = 144, SYS_setuid = 146 }; /* asm-generic/unistd.h */
#else
enum { SYS_clone = 56, SYS_setgroups = 116, SYS_setgid = 106, SYS_setuid = 105 };  /* asm/unistd_64.h */
#endif

/* The process to start; start.ts writes it. A null pointer: nothing is asked. */
struct request {
  const long *enter;           /* pairs of a descriptor and CLONE_NEW* kinds, ended by -1 */
  long create;                 /* CLONE_NEW* kinds */
  const char *user_map;        /* lines for /proc/self/uid_map, with CLONE_NEWUSER */
  const char *group_map;
  const char *hostname;
  const void *const *mounts;   /* source, target, type, flags, data; ended by a null target */
  const char *directory;       /* the working directory */
  const char *const *programs; /* paths to try in turn; null: no program, the process only reaps */
  char *const *arguments;
  char *const *environment;
  const int *streams;          /* the descriptors for 0, 1 and 2; null: those of the caller */
  long init;                   /* the process reaps, and the program is its child */
  long session;                /* a session of its own, without a terminal */
  long dies_with_caller;       /* SIGKILL when the thread that started it ends */
  long foreground;             /* the caller lends its terminal, passes on signals, and waits by wait_for */
};

/* A report to the caller: the pid of the process, or the step that failed. */
struct report { int error; int pid; const char *step; long entry; };

static int reports, caller_reads; /* the ends of a pipe */

static int last_error(void) { return *__errno_location(); }

static unsigned long length_of(const char *text) {
  unsigned long length = 0;
  while (text[length]) length++;
  return length;
}

static void report_to_caller(int error, int pid, const char *step, long entry) {
  struct report it = { error, pid, step, entry };
  write(reports, &it, sizeof it);
}

static void fail(const char *step, long entry) {
  report_to_caller(last_error() ? last_error() : EIO, 0, step, entry);
  _exit(1);
}

/* A copy of the process, as fork(2) makes it. */
static int copy_process(long flags) { return syscall(SYS_clone, flags | SIGCHLD, 0L, 0L, 0L, 0L); }

enum { stack_bytes = 64 * 1024 };

/* A process in the memory of this one. */
static int share_memory(int (*function)(void *), char *stack, long flags, const struct request *it) {
  return clone(function, stack + stack_bytes, CLONE_VM | flags | SIGCHLD, (void *)it);
}

/* Default actions in place of Bun's handlers. Signals that the caller ignores (nohup) stay ignored, but not the two
 * that Bun ignores for itself. */
static void reset_signals(void) {
  for (int number = 1; number <= signals; number++) {
    void (*before)(int) = signal(number, 0);
    if (before == (void (*)(int))1 && number != SIGPIPE && number != SIGXFSZ) signal(number, before);
  }
}

static void set_blocked(char byte) {
  long set[signal_set_words];
  for (int i = 0; i < signal_set_words; i++) set[i] = byte ? -1L : 0;
  sigprocmask(SIG_SETMASK, set, 0);
}

/* A file of /proc that accepts one write. 0: written. */
static int write_file(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return -1;
  long written = write(file, text, length_of(text));
  int error = last_error();
  close(file);
  *__errno_location() = error;
  return written < 0 ? -1 : 0;
}

static void enter_namespaces(const struct request *it) {
  for (long i = 0; it->enter && it->enter[i] >= 0; i += 2) {
    if (setns(it->enter[i], it->enter[i + 1])) fail("enter", i / 2);
    /* As root of that user namespace: the caller's ids may have no meaning there. A namespace may forbid setgroups. */
    if (it->enter[i + 1] & CLONE_NEWUSER) {
      syscall(SYS_setgroups, 0L, 0L);
      if (syscall(SYS_setgid, 0L) || syscall(SYS_setuid, 0L)) fail("become root", 0);
    }
  }
}

static void create_namespaces(const struct request *it) {
  if (it->create & CLONE_NEWUSER) {
    if (unshare(CLONE_NEWUSER)) fail("create user", 0);
    write_file("/proc/self/setgroups", "deny"); /* an older kernel has no such file, and needs none */
    if (write_file("/proc/self/uid_map", it->user_map)) fail("map users", 0);
    if (write_file("/proc/self/gid_map", it->group_map)) fail("map groups", 0);
  }
  if ((it->create & ~CLONE_NEWUSER) && unshare(it->create & ~CLONE_NEWUSER)) fail("create", 0);
}

/* The caller may have died before prctl took effect; then nobody can read the reports. */
static void die_with_caller(void) {
  struct { int descriptor; short wanted, found; } pipe = { reports, 0, 0 };
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (poll(&pipe, 1, 0) == 1 && (pipe.found & POLLERR)) _exit(1);
}

static void execute(const struct request *it) {
  int error = ENOENT;
  set_blocked(0);
  for (const char *const *program = it->programs; *program; program++) {
    execve(*program, it->arguments, it->environment);
    int found = last_error();
    if (found != ENOENT && found != ENOTDIR) error = found;
    if (found != ENOENT && found != ENOTDIR && found != EACCES) break;
  }
  *__errno_location() = error;
  fail("execute", 0);
}

static volatile int command; /* a pid */
static volatile int early;   /* a signal that came before there was one */
static void forward(int number) {
  if (command > 0) kill(command, number);
  else early = number;
}

static const int passed[] = { SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGINT, SIGQUIT };
enum { passed_count = sizeof passed / sizeof *passed };
/* What the caller did on each, in struct sigaction of its C library: at most 152 bytes. */
static long former[passed_count][32];
static int is_forwarding;

static void forward_signals(void) {
  for (int i = 0; i < passed_count; i++) {
    sigaction(passed[i], 0, former[i]);
    /* ignored: a terminal sends these two to the program, too */
    signal(passed[i], passed[i] == SIGINT || passed[i] == SIGQUIT ? (void (*)(int))1 : forward);
  }
  is_forwarding = 1;
}

/* The program has ended, and the caller goes on. */
static void stop_forwarding(void) {
  if (!is_forwarding) return;
  for (int i = 0; i < passed_count; i++) sigaction(passed[i], former[i], 0);
  command = early = is_forwarding = 0;
}

static void forward_to(int pid) {
  command = pid;
  if (early) kill(pid, early);
}

static int has_terminal; /* the caller's process group is in the foreground of its terminal */

/* A process group of its own in the foreground: a shell inside cannot name the caller's, which is in another PID
 * namespace. The caller takes the terminal back in wait_for. */
static void take_terminal(void) {
  setpgid(0, 0);
  tcsetpgrp(0, getpid()); /* SIGTTOU is blocked */
}

/* Whether the wait status is the end of a process. Ctrl-Z has no effect: the caller could not continue the program. */
static int has_ended(int pid, int status) {
  if ((status & 0xff) != 0x7f) return 1;
  if ((status >> 8 & 0xff) == SIGTSTP) kill(pid, SIGCONT);
  return 0;
}

/* A process that only reaps keeps nothing open: no pipe that another waits to end, no namespace. Before Linux 5.9 the
 * kernel refuses, and then the reports alone are closed. */
static void close_all(void) {
  if (syscall(SYS_close_range, 0L, 0xffffffffL, 0L)) close(reports);
}

/* Reaps whatever is left to it, and ends as the program does; the kernel then ends everything in its PID namespace. */
static void reap(const struct request *it) {
  prctl(PR_SET_NAME, "init");
  if (!it->programs) {
    signal(SIGCHLD, (void (*)(int))1); /* ignored: the kernel reaps */
    close_all();
    set_blocked(0);
    for (;;) pause();
  }
  forward_signals();
  int program = copy_process(0);
  if (program < 0) fail("start the program", 0);
  if (program == 0) {
    reset_signals();
    execute(it);
  }
  forward_to(program);
  close_all();
  set_blocked(0);
  for (;;) {
    int status, ended = waitpid(-1, &status, WUNTRACED);
    if (ended == program && has_ended(program, status)) _exit(status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff);
    if (ended < 0 && last_error() != EINTR) _exit(1);
  }
}

static int run(void *request) {
  const struct request *it = request;
  if (it->dies_with_caller) die_with_caller();
  if (it->session) setsid();
  if (has_terminal) take_terminal();
  if (it->hostname && sethostname(it->hostname, length_of(it->hostname))) fail("name the host", 0);
  for (long i = 0; it->mounts && it->mounts[5 * i + 1]; i++) {
    const void *const *one = it->mounts + 5 * i;
    if (mount(one[0], one[1], one[2], (unsigned long)one[3], one[4])) fail("mount", i);
  }
  if (it->directory && chdir(it->directory)) fail("change the directory", 0);
  for (int i = 0; it->streams && i < 3; i++)
    if (dup2(it->streams[i], i) < 0) fail("pass a stream", i);
  if (it->init) reap(it);
  execute(it);
  return 1;
}

static char child_stack[stack_bytes], process_stack[stack_bytes];

/* The pid of the process, or -1. */
static int start_process(const struct request *it) {
  if (!it->init) return share_memory(run, process_stack, CLONE_PARENT | CLONE_VFORK, it);
  if (!it->programs) {
    char *stack = mmap(0, stack_bytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0); /* for as long as it lives */
    return stack == (char *)-1 ? -1 : share_memory(run, stack, CLONE_PARENT, it);
  }
  int process = copy_process(CLONE_PARENT);
  if (process == 0) run((void *)it);
  return process;
}

static int run_child(void *request) {
  const struct request *it = request;
  close(caller_reads); /* only the caller has it, so that its end shows */
  reset_signals();
  enter_namespaces(it);
  create_namespaces(it);
  int process = start_process(it);
  if (process < 0) fail("start", 0);
  report_to_caller(0, process, "", 0);
  _exit(0);
  return 0;
}

/* Starts it. Answers 0 when the program runs, and its pid as the caller sees it; else what failed, and nothing runs. */
int start(const struct request *it, struct report *out) {
  int ends[2], child, status;
  long before[signal_set_words], blocked[signal_set_words];
  struct report read_one;
  out->error = 0; out->pid = 0; out->step = "start"; out->entry = 0;
  if (pipe2(ends, O_CLOEXEC)) { out->error = last_error(); return -1; }
  for (int i = 0; i < signal_set_words; i++) blocked[i] = -1L;
  sigprocmask(SIG_SETMASK, blocked, before); /* no handler of Bun may run in the child */
  has_terminal = it->foreground && tcgetpgrp(0) == getpgid(0);
  if (it->foreground) forward_signals(); /* for all threads; one that came too early is passed on later */
  caller_reads = ends[0];
  reports = ends[1];
  child = share_memory(run_child, child_stack, CLONE_VFORK, it);
  if (child < 0) out->error = last_error();
  close(ends[1]);
  if (child > 0) {
    while (waitpid(child, &status, 0) < 0 && last_error() == EINTR) {}
    for (;;) {
      long length = read(ends[0], &read_one, sizeof read_one);
      if (length < 0 && last_error() == EINTR) continue;
      if (length != sizeof read_one) break;
      if (read_one.pid) out->pid = read_one.pid;
      else { out->error = read_one.error; out->step = read_one.step; out->entry = read_one.entry; }
    }
    if (!out->error && !out->pid) out->error = EIO; /* the child was killed */
    if (!out->error && it->foreground) forward_to(out->pid);
    if (out->error && out->pid) while (waitpid(out->pid, &status, 0) < 0 && last_error() == EINTR) {}
  }
  sigprocmask(SIG_SETMASK, before, 0);
  close(ends[0]);
  return out->error ? -1 : 0;
}

/* Waits for a process that `start` started, and answers its wait status. */
int wait_for(int pid) {
  int status;
  for (;;) {
    if (waitpid(pid, &status, WUNTRACED) >= 0) {
      if (has_ended(pid, status)) break;
    } else if (last_error() != EINTR) {
      return -1;
    }
  }
  if (has_terminal) {
    signal(SIGTTOU, (void (*)(int))1); /* ignored: this group is in the background now */
    tcsetpgrp(0, getpgid(0));
  }
  stop_forwarding();
  return status;
}

/** When a rule of the profile holds; several members must all hold. */
export interface SeccompCondition {
  /** The container has all of these capabilities. */
  readonly caps?: readonly string[]
  /** The container has none of these capabilities. */
  readonly withoutCaps?: readonly string[]
  /** The machine is one of these (Go's names). */
  readonly arches?: readonly string[]
  /** The machine is none of these. */
  readonly withoutArches?: readonly string[]
  /** The kernel is at least this (major, minor). */
  readonly kernel?: readonly [number, number]
}

/** Some system calls, what is done with them, and when the rule is part of the profile. Default action: allow. */
export interface ProfileRule {
  readonly names: string
  /** Fail with this error number instead of allowing. */
  readonly errno?: number
  /** A condition on an argument: position, comparison, value (and second value of a masked comparison). */
  readonly arg?: readonly [index: number, op: string, value: number, valueTwo?: number]
  readonly when?: SeccompCondition
}

/** EPERM: what a system call that no rule names fails with. */
export const deniedErrno = 1
const ENOSYS = 38

/** AF_ALG, AF_VSOCK: socket families that reach into kernel crypto and the hypervisor. */
const AF_ALG = 38
const AF_VSOCK = 40

/** All CLONE_NEW* flags but CLONE_NEWTIME. */
const namespaceFlags = 0x7e020000

const s390 = ['s390x']

/**
 * The default system call profile of Moby, which Docker, containerd and BuildKit share, as facts: which calls pass
 * under which conditions. Source: https://github.com/moby/profiles/blob/seccomp/v0.2.0/seccomp/default_linux.go
 */
export const profileRules: readonly ProfileRule[] = [
  {
    names: `accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32
      clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
      clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1
      epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
      exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2
      fchown fchown32 fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat
      fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait
      futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid
      getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom
      getresgid getresgid32 getresuid getresuid32 getrlimit get_robust_list getrusage getsid getsockname getsockopt
      get_thread_area gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init
      inotify_init1 inotify_rm_watch io_cancel ioctl io_destroy io_getevents io_pgetevents io_pgetevents_time64
      ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule landlock_create_ruleset
      landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount listxattr listxattrat llistxattr
      _llseek lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret
      mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open
      mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap mseal msgctl msgget
      msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat _newselect open openat
      openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64
      prctl pread64 preadv preadv2 prlimit64 process_mrelease pselect6 pselect6_time64 pwrite64 pwritev pwritev2 read
      readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages removexattr
      removexattrat rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq rt_sigaction rt_sigpending
      rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
      rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min
      sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr
      sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64
      send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32
      setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid
      setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area set_tid_address
      setuid setuid32 setxattr setxattrat shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask
      sigreturn socketcall socketpair splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync
      sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime
      timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
      timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime
      utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev`,
  },
  { names: 'process_vm_readv process_vm_writev ptrace', when: { kernel: [4, 8] } },
  { names: 'socket', arg: [0, 'SCMP_CMP_LT', AF_ALG] },
  { names: 'socket', arg: [0, 'SCMP_CMP_EQ', AF_ALG + 1] },
  { names: 'socket', arg: [0, 'SCMP_CMP_GT', AF_VSOCK] },
  { names: 'personality', arg: [0, 'SCMP_CMP_EQ', 0] },
  { names: 'personality', arg: [0, 'SCMP_CMP_EQ', 0x8] },
  { names: 'personality', arg: [0, 'SCMP_CMP_EQ', 0x20000] },
  { names: 'personality', arg: [0, 'SCMP_CMP_EQ', 0x20008] },
  { names: 'personality', arg: [0, 'SCMP_CMP_EQ', 0xffffffff] },
  { names: 'sync_file_range2 swapcontext', when: { arches: ['ppc64le'] } },
  {
    names: 'arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls',
    when: { arches: ['arm', 'arm64'] },
  },
  { names: 'arch_prctl', when: { arches: ['amd64'] } },
  { names: 'modify_ldt', when: { arches: ['amd64', '386'] } },
  { names: 's390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr', when: { arches: s390 } },
  { names: 'riscv_flush_icache', when: { arches: ['riscv64'] } },
  { names: 'open_by_handle_at', when: { caps: ['CAP_DAC_READ_SEARCH'] } },
  {
    names: `bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
      lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd
      setdomainname sethostname setns syslog umount umount2 unshare`,
    when: { caps: ['CAP_SYS_ADMIN'] },
  },
  {
    names: 'clone',
    arg: [0, 'SCMP_CMP_MASKED_EQ', namespaceFlags, 0],
    when: { withoutCaps: ['CAP_SYS_ADMIN'], withoutArches: s390 },
  },
  // There the flags are the second argument.
  {
    names: 'clone',
    arg: [1, 'SCMP_CMP_MASKED_EQ', namespaceFlags, 0],
    when: { withoutCaps: ['CAP_SYS_ADMIN'], arches: s390 },
  },
  // Its flags lie in memory, out of reach of a filter; C libraries fall back to clone.
  { names: 'clone3', errno: ENOSYS, when: { withoutCaps: ['CAP_SYS_ADMIN'] } },
  { names: 'reboot', when: { caps: ['CAP_SYS_BOOT'] } },
  { names: 'chroot', when: { caps: ['CAP_SYS_CHROOT'] } },
  { names: 'delete_module init_module finit_module', when: { caps: ['CAP_SYS_MODULE'] } },
  { names: 'acct', when: { caps: ['CAP_SYS_PACCT'] } },
  {
    names: 'kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace',
    when: { caps: ['CAP_SYS_PTRACE'] },
  },
  { names: 'iopl ioperm', when: { caps: ['CAP_SYS_RAWIO'] } },
  { names: 'settimeofday stime clock_settime clock_settime64', when: { caps: ['CAP_SYS_TIME'] } },
  { names: 'vhangup', when: { caps: ['CAP_SYS_TTY_CONFIG'] } },
  { names: 'get_mempolicy mbind set_mempolicy set_mempolicy_home_node', when: { caps: ['CAP_SYS_NICE'] } },
  { names: 'syslog', when: { caps: ['CAP_SYSLOG'] } },
  { names: 'bpf', when: { caps: ['CAP_BPF'] } },
  { names: 'perf_event_open', when: { caps: ['CAP_PERFMON'] } },
]

/**
 * The calling conventions that a machine's kernel accepts, its own first: 32-bit programs run under the same filter, and
 * emulated ones end up as calls of the machine. Machines that are not listed have only their own.
 */
export const seccompArchitectures: Readonly<Record<string, readonly string[]>> = {
  amd64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  mips64: ['SCMP_ARCH_MIPS64', 'SCMP_ARCH_MIPS', 'SCMP_ARCH_MIPS64N32'],
  mips64le: ['SCMP_ARCH_MIPSEL64', 'SCMP_ARCH_MIPSEL', 'SCMP_ARCH_MIPSEL64N32'],
  s390x: ['SCMP_ARCH_S390X', 'SCMP_ARCH_S390'],
  riscv64: ['SCMP_ARCH_RISCV64'],
  loong64: ['SCMP_ARCH_LOONGARCH64'],
}

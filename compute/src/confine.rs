//! What the process gives up before it runs anything.
//!
//! The engine has built-in functions that open sockets, and could have ones that start programs or open
//! files behind our provider's back. The kernel refuses these whole kinds of calls from here on, so nobody
//! has to find every such function: no sockets, no other programs, and no file by a name alone. What is
//! opened beneath a folder that is held open already, as `oriel_hostfs` does it, still works.

use rustix::process::{Resource, Rlimit, setrlimit};

/// The process cannot be held as it should be.
#[derive(Debug, thiserror::Error)]
#[error("the process cannot be limited: {0}")]
pub(crate) struct ConfineError(String);

/// Limits how much memory the process may ask for.
pub(crate) fn limit_memory(bytes: u64) -> Result<(), ConfineError> {
    let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
    setrlimit(Resource::As, limit).map_err(|error| ConfineError(error.to_string()))?;
    // A crash is told by its signal; what was in memory is nobody's business.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none).map_err(|error| ConfineError(error.to_string()))
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use std::collections::BTreeMap;

    use seccompiler::{BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp};
    use seccompiler::{SeccompCondition, SeccompFilter, SeccompRule, TargetArch};

    use super::ConfineError;

    /// Gives up other programs, the network and files by name. Threads that begin later are held as well.
    /// Returns whether the system can hold it: one without such filters runs on, and it is told.
    pub(crate) fn confine() -> Result<bool, ConfineError> {
        let refused = filter(refused()?, libc::EACCES)?;
        // The C library then starts threads with the older call, of which the flags can be looked at.
        let newer = filter(BTreeMap::from([(libc::SYS_clone3, vec![])]), libc::ENOSYS)?;
        for program in [&newer, &refused] {
            match seccompiler::apply_filter(program) {
                Ok(()) => {}
                Err(seccompiler::Error::Seccomp(_) | seccompiler::Error::Prctl(_)) => {
                    return Ok(false);
                }
                Err(error) => return Err(ConfineError(error.to_string())),
            }
        }
        Ok(true)
    }

    fn filter(
        rules: BTreeMap<i64, Vec<SeccompRule>>,
        answer: i32,
    ) -> Result<BpfProgram, ConfineError> {
        let arch = TargetArch::try_from(std::env::consts::ARCH);
        let arch = arch.map_err(|error| ConfineError(error.to_string()))?;
        let answer = SeccompAction::Errno(answer.cast_unsigned());
        SeccompFilter::new(rules, SeccompAction::Allow, answer, arch)
            .and_then(BpfProgram::try_from)
            .map_err(|error| ConfineError(error.to_string()))
    }

    fn refused() -> Result<BTreeMap<i64, Vec<SeccompRule>>, ConfineError> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            ALWAYS.iter().map(|call| (*call, Vec::new())).collect();
        let by_name = |argument| {
            // The place where names begin that begin nowhere else: the working directory.
            let cwd = u64::from(libc::AT_FDCWD.cast_unsigned());
            rule(argument, SeccompCmpOp::Eq, cwd)
        };
        for call in BY_NAME {
            rules.insert(*call, vec![by_name(0)?]);
        }
        for call in BY_TWO_NAMES {
            rules.insert(*call, vec![by_name(0)?, by_name(2)?]);
        }
        rules.insert(libc::SYS_symlinkat, vec![by_name(1)?]);
        // A thread has this flag, and a process does not.
        let thread = u64::from(libc::CLONE_THREAD.cast_unsigned());
        let process = rule(0, SeccompCmpOp::MaskedEq(thread), 0)?;
        rules.insert(libc::SYS_clone, vec![process]);
        Ok(rules)
    }

    fn rule(argument: u8, op: SeccompCmpOp, value: u64) -> Result<SeccompRule, ConfineError> {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, op, value)
            .and_then(|condition| SeccompRule::new(vec![condition]))
            .map_err(|error| ConfineError(error.to_string()))
    }

    /// Calls that scripts have no use for.
    const ALWAYS: &[i64] = &[
        // The network and other programs. A pair of sockets leads nowhere, and the engine's web client needs one
        // to find out that it has no network.
        libc::SYS_socket,
        libc::SYS_connect,
        libc::SYS_bind,
        libc::SYS_listen,
        libc::SYS_accept,
        libc::SYS_accept4,
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_getfd,
        libc::SYS_pidfd_send_signal,
        // Ways around the rest.
        libc::SYS_io_uring_setup,
        libc::SYS_open_by_handle_at,
        libc::SYS_name_to_handle_at,
        libc::SYS_userfaultfd,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_keyctl,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_chroot,
        libc::SYS_pivot_root,
        libc::SYS_chdir,
        libc::SYS_truncate,
        libc::SYS_setxattr,
        libc::SYS_lsetxattr,
        libc::SYS_removexattr,
        libc::SYS_lremovexattr,
        // The calls by name of older systems.
        #[cfg(target_arch = "x86_64")]
        libc::SYS_open,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_creat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_mkdir,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_rmdir,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_unlink,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_rename,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_link,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_symlink,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_mknod,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chmod,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chown,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lchown,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_stat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lstat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_access,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_readlink,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_utime,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_utimes,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_fork,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_vfork,
    ];

    /// Calls that are refused where their name begins in no folder that is held open.
    const BY_NAME: &[i64] = &[
        libc::SYS_openat,
        libc::SYS_openat2,
        libc::SYS_mkdirat,
        libc::SYS_mknodat,
        libc::SYS_unlinkat,
        libc::SYS_fchmodat,
        libc::SYS_fchownat,
        libc::SYS_newfstatat,
        libc::SYS_statx,
        libc::SYS_faccessat,
        libc::SYS_faccessat2,
        libc::SYS_readlinkat,
        libc::SYS_utimensat,
    ];

    /// The same with a second folder in the third argument.
    const BY_TWO_NAMES: &[i64] = &[libc::SYS_renameat, libc::SYS_renameat2, libc::SYS_linkat];
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) use linux::confine;

/// Elsewhere there is no such filter: files are held by `oriel_hostfs` alone.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(crate) fn confine() -> Result<bool, ConfineError> {
    Ok(false)
}

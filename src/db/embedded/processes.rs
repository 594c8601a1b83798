//! Which PostgreSQL processes still live in a cluster, whatever its `postmaster.pid` says: that file
//! survives a kill -9, and its number may be another program's by now.

use std::path::Path;

use super::owner::Owner;

/// The ids of the server processes that may still touch `cluster`. The postmaster and its children
/// all work in the cluster's folder, so on Linux the kernel knows them.
#[cfg(target_os = "linux")]
pub(super) fn inside(cluster: &Path, owner: &Owner) -> Vec<u32> {
    linux::inside(cluster, owner)
}

/// The process named in `postmaster.pid`, when there is one of that number.
#[cfg(not(target_os = "linux"))]
pub(super) fn inside(cluster: &Path, _owner: &Owner) -> Vec<u32> {
    let text = std::fs::read_to_string(cluster.join("postmaster.pid")).unwrap_or_default();
    let pid = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok());
    let alive = pid.and_then(rustix::process::Pid::from_raw).filter(|pid| {
        let answer = rustix::process::test_kill_process(*pid);
        answer.is_ok() || answer == Err(rustix::io::Errno::PERM)
    });
    alive.map(|pid| pid.as_raw_nonzero().get().cast_unsigned()).into_iter().collect()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use std::time::Duration;

    use super::super::owner::Owner;
    use super::super::run::run;

    /// Root without the capability to look at other users' processes (a container's, usually) may
    /// not see their folders, but they may see each other's.
    const ASK_AS_OWNER: &str = r#"for p in /proc/[0-9]*; do [ "$p/cwd" -ef "$1" ] && echo "${p#/proc/}"; done; :"#;

    pub(super) fn inside(cluster: &Path, owner: &Owner) -> Vec<u32> {
        let mut pids = Vec::new();
        let Ok(wanted) = fs::metadata(cluster) else {
            return pids;
        };
        let mut hidden = false;
        for pid in all().filter(|pid| is_server(*pid)) {
            match fs::metadata(format!("/proc/{pid}/cwd")) {
                Ok(found) if found.dev() == wanted.dev() && found.ino() == wanted.ino() => {
                    pids.push(pid);
                }
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    hidden |= fs::metadata(format!("/proc/{pid}")).is_ok_and(|process| process.uid() == owner.uid);
                }
                _ => {}
            }
        }
        if hidden && owner.switches {
            pids.extend(asked_as_owner(cluster, owner));
        }
        pids
    }

    fn all() -> impl Iterator<Item = u32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    }

    /// A shell that somebody left in the folder does no harm.
    fn is_server(pid: u32) -> bool {
        fs::read_to_string(format!("/proc/{pid}/comm"))
            .is_ok_and(|name| name.contains("postgres") || name.contains("postmaster"))
    }

    fn asked_as_owner(cluster: &Path, owner: &Owner) -> Vec<u32> {
        let mut shell = owner.command(Path::new("/bin/sh"), cluster);
        shell.args(["-c", ASK_AS_OWNER, "sh"]).arg(cluster);
        match run(&mut shell, Duration::from_secs(10)) {
            Ok(outcome) => {
                outcome.stdout.lines().filter_map(|line| line.parse().ok()).filter(|pid| is_server(*pid)).collect()
            }
            Err(_) => Vec::new(),
        }
    }
}

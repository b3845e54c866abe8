//! What stands at a path: what the system knows of it, its name, its permissions and its times.

use std::fs::{self, Metadata};
use std::path::Path;

use super::{one_path, two_paths};
use crate::request::Request;

/// What the system knows of a file; follows symbolic links.
pub fn stat(path: impl AsRef<Path>) -> Request<Metadata> {
    one_path("stat", "fs.stat", path, |path| fs::metadata(path))
}

/// What the system knows of a file; of a symbolic link it tells about the link.
pub fn lstat(path: impl AsRef<Path>) -> Request<Metadata> {
    one_path("stat", "fs.lstat", path, |path| fs::symlink_metadata(path))
}

/// Whether something is there; follows symbolic links. That it cannot be known, for lack of a permission, is an error.
pub fn exists(path: impl AsRef<Path>) -> Request<bool> {
    one_path("look for", "fs.exists", path, |path| fs::exists(path))
}

/// Gives a file or a directory another name, in one step; what has that name already is replaced, but no directory that
/// has entries.
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Request<()> {
    two_paths("rename", "fs.rename", from, to, |from, to| fs::rename(from, to))
}

/// Removes the name of a file or a symbolic link; the file goes when it has no other and is not open.
pub fn unlink(path: impl AsRef<Path>) -> Request<()> {
    one_path("unlink", "fs.unlink", path, |path| fs::remove_file(path))
}

#[cfg(unix)]
pub use unix::{Access, access, chmod, utimes};

#[cfg(unix)]
mod unix {
    use std::io;
    use std::os::unix::fs::PermissionsExt;
    use std::time::{SystemTime, UNIX_EPOCH};

    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps};

    use super::*;

    /// What a process would like to do with a file. Nothing of it: the file is there.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Access {
        /// Read it, or list the directory.
        pub read: bool,
        /// Write it, or change the directory.
        pub write: bool,
        /// Run it, or pass through the directory.
        pub execute: bool,
    }

    impl Access {
        fn flags(self) -> rustix::fs::Access {
            use rustix::fs::Access as Flags;
            let wanted =
                [(self.read, Flags::READ_OK), (self.write, Flags::WRITE_OK), (self.execute, Flags::EXEC_OK)];
            wanted.into_iter().filter(|(is_wanted, _)| *is_wanted).map(|(_, flag)| flag).collect()
        }
    }

    /// Asks whether the process may do this with the file. By the time of the answer it may be otherwise, so rather try
    /// and look at the error, where that is possible.
    pub fn access(path: impl AsRef<Path>, wanted: Access) -> Request<()> {
        let flags = wanted.flags();
        one_path("access", "fs.access", path, move |path| Ok(rustix::fs::access(path, flags)?))
    }

    /// Sets the permission bits, such as `0o644`; follows symbolic links.
    pub fn chmod(path: impl AsRef<Path>, mode: u32) -> Request<()> {
        one_path("chmod", "fs.chmod", path, move |path| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
        })
    }

    /// Sets the times of the last access and of the last change; follows symbolic links. The file need not be readable,
    /// but must belong to the process's user.
    pub fn utimes(path: impl AsRef<Path>, accessed: SystemTime, modified: SystemTime) -> Request<()> {
        one_path("set the times of", "fs.utimes", path, move |path| {
            let times =
                Timestamps { last_access: timespec(accessed)?, last_modification: timespec(modified)? };
            Ok(rustix::fs::utimensat(CWD, path, &times, AtFlags::empty())?)
        })
    }

    const NS_PER_S: i128 = 1_000_000_000;

    /// Seconds since 1970, rounded down, and nanoseconds from there on.
    fn timespec(time: SystemTime) -> io::Result<Timespec> {
        let since_1970_ns = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_nanos() as i128,
            Err(error) => -(error.duration().as_nanos() as i128),
        };
        let seconds = i64::try_from(since_1970_ns.div_euclid(NS_PER_S));
        Ok(Timespec {
            tv_sec: seconds.map_err(|_| io::ErrorKind::InvalidInput)?,
            tv_nsec: since_1970_ns.rem_euclid(NS_PER_S) as _,
        })
    }

    #[cfg(test)]
    mod tests {
        use std::time::Duration;

        use super::*;

        #[test]
        fn times_before_1970_are_rounded_down() {
            let split = |time| timespec(time).map(|spec| (spec.tv_sec, spec.tv_nsec)).unwrap();
            assert_eq!(split(UNIX_EPOCH), (0, 0));
            assert_eq!(split(UNIX_EPOCH + Duration::new(7, 5)), (7, 5));
            assert_eq!(split(UNIX_EPOCH - Duration::from_secs(7)), (-7, 0));
            assert_eq!(split(UNIX_EPOCH - Duration::new(7, 5)), (-8, 999_999_995));
            assert_eq!(split(UNIX_EPOCH - Duration::from_nanos(1)), (-1, 999_999_999));
        }
    }
}

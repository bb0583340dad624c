//! Files that are written whole or not at all, and files that are added to by one writer at a time. What is written lasts.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// What files begin with that have no name yet, where the system cannot do without one.
const PASSING: &str = ".waves-";

/// A file that gets its name when it is whole: whoever looks finds the old file, or the new one.
///
/// Dropped before, it is gone. On Linux it has no name until then (`O_TMPFILE`), so that not even a killed process leaves a
/// part of it; where the system or the file system knows no such files, a killed process leaves `.waves-` and six letters.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    contents: Contents,
}

#[derive(Debug)]
enum Contents {
    #[cfg(target_os = "linux")]
    Nameless(File),
    Named(NamedTempFile),
}

/// Whether a new file can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is read.
    Data,
    /// It is a program.
    Program,
}

impl Mode {
    /// As of a file that any other program makes: the umask still counts.
    #[cfg(unix)]
    fn bits(self) -> u32 {
        match self {
            Self::Data => 0o666,
            Self::Program => 0o777,
        }
    }
}

impl NewFile {
    /// Begins a file that is to be at `path`. Its directory is made if it is not there. A link is replaced, not followed.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], also if there is a device, a FIFO or a socket: nothing takes the place of these.
    pub fn create(path: &Path, mode: Mode) -> Result<Self> {
        require_replaceable(path).map_err(Error::io("write", path))?;
        let directory = directory_of(path);
        fs::create_dir_all(directory).map_err(Error::io("write", directory))?;
        let contents = Contents::create(directory, mode).map_err(Error::io("write", path))?;
        Ok(Self { path: path.to_owned(), contents })
    }

    /// A file with these bytes, at once.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn write(path: &Path, mode: Mode, bytes: &[u8]) -> Result<()> {
        let mut file = Self::create(path, mode)?;
        file.file().write_all(bytes).map_err(Error::io("write", path))?;
        file.keep()
    }

    /// Files with these bytes, each at once. That they last is made sure of once for each directory, not for each file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; those before the one that failed are there then, whole.
    pub fn write_all<'b>(files: impl IntoIterator<Item = (PathBuf, Mode, &'b [u8])>) -> Result<()> {
        let mut directories = BTreeSet::new();
        for (path, mode, bytes) in files {
            let mut file = Self::create(&path, mode)?;
            file.file().write_all(bytes).map_err(Error::io("write", &path))?;
            file.name()?;
            directories.insert(directory_of(&path).to_owned());
        }
        directories.iter().try_for_each(|directory| sync_directory(directory))
    }

    /// Where it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is written to.
    pub fn file(&mut self) -> &mut File {
        match &mut self.contents {
            #[cfg(target_os = "linux")]
            Contents::Nameless(file) => file,
            Contents::Named(file) => file.as_file_mut(),
        }
    }

    /// Brings it to the disk and gives it its name, in place of what had it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; what had the name before still has it then.
    pub fn keep(self) -> Result<()> {
        let path = self.path.clone();
        self.name()?;
        sync_directory(directory_of(&path))
    }

    /// The same, but that its name lasts.
    fn name(mut self) -> Result<()> {
        // Before it has its name: else a machine that stops could leave that name to an empty file.
        self.file().sync_all().map_err(Error::io("write", &self.path))?;
        // Who could read the old file can read the new one, and nobody else.
        if let Ok(old) = fs::symlink_metadata(&self.path)
            && old.is_file()
        {
            self.file().set_permissions(old.permissions()).map_err(Error::io("write", &self.path))?;
        }
        let Self { path, contents } = self;
        let named = match contents {
            #[cfg(target_os = "linux")]
            Contents::Nameless(file) => nameless::keep(&file, &path),
            Contents::Named(file) => file.persist(&path).map(drop).map_err(|error| error.error),
        };
        named.map_err(Error::io("write", &path))
    }
}

/// Makes sure that no file is put where the system has something that is none.
fn require_replaceable(path: &Path) -> io::Result<()> {
    let is_special = fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir());
    // A link there leads to a file, if that is where output goes.
    let is_of_system = ["/dev", "/proc"].iter().any(|directory| path.starts_with(directory)) && path.is_symlink();
    if is_special || is_of_system {
        let reason = "it is a device, a FIFO or a socket: a file is written whole, and takes the place of what is there";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    Ok(())
}

impl Contents {
    fn create(directory: &Path, mode: Mode) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Some(file) = nameless::create(directory, mode)? {
            return Ok(Self::Nameless(file));
        }
        Self::named(directory, mode)
    }

    fn named(directory: &Path, mode: Mode) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        // A temporary file would be its owner's alone.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode.bits()));
        #[cfg(not(unix))]
        let _ = mode;
        Ok(Self::Named(builder.prefix(PASSING).tempfile_in(directory)?))
    }
}

/// The directory that a path is in.
fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Files without a name, which `open(2)` explains at `O_TMPFILE`.
#[cfg(target_os = "linux")]
mod nameless {
    use std::fs::File;
    use std::io;
    use std::os::fd::AsRawFd as _;
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, Mode as Bits, OFlags, linkat, openat};
    use rustix::io::Errno;

    use super::{Mode, PASSING, directory_of};

    /// `None` where there are no such files, or no way to name them.
    pub(super) fn create(directory: &Path, mode: Mode) -> io::Result<Option<File>> {
        if !Path::new("/proc/self/fd").exists() {
            return Ok(None);
        }
        match openat(CWD, directory, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, Bits::from_raw_mode(mode.bits())) {
            Ok(file) => Ok(Some(file.into())),
            // What file systems and kernels say that know none.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Names a file. A link replaces nothing: where there is a file, the new one takes its place from a name beside it.
    pub(super) fn keep(file: &File, path: &Path) -> io::Result<()> {
        let link = |path: &Path| linkat(CWD, format!("/proc/self/fd/{}", file.as_raw_fd()), CWD, path, AtFlags::SYMLINK_FOLLOW);
        match link(path) {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let passing =
            tempfile::Builder::new().prefix(PASSING).make_in(directory_of(path), |passing| link(passing).map_err(io::Error::from))?;
        passing.into_temp_path().persist(path).map_err(|error| error.error)
    }
}

/// Makes sure that what is added to is a file, if it is there: a repository can bring a link along that leads to anything.
pub(crate) fn require_no_link(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a link, or no file")),
        _ => Ok(()),
    }
}

/// Time between two tries.
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Locks a file; who else holds it is waited for as long as `patience`. Whether it is locked now.
///
/// The system lets the lock go when the file is closed, however its holder ends.
///
/// # Errors
///
/// What the system says but that somebody else holds it.
pub(crate) fn try_lock(file: &File, patience: Duration) -> io::Result<bool> {
    let mut waited = Duration::ZERO;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if waited >= patience => return Ok(false),
            Err(TryLockError::WouldBlock) => {
                thread::sleep(BETWEEN_TRIES);
                waited += BETWEEN_TRIES;
            }
        }
    }
}

/// Makes the names in a directory last.
///
/// # Errors
///
/// [`Error::Io`].
pub(crate) fn sync_directory(directory: &Path) -> Result<()> {
    // A directory cannot be opened everywhere, and where it cannot there is nothing to do.
    if cfg!(unix) {
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(Error::io("write", directory))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// What is in a directory, by name.
    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort_unstable();
        names
    }

    fn named(path: &Path) -> NewFile {
        NewFile { path: path.to_owned(), contents: Contents::named(directory_of(path), Mode::Data).expect("a file") }
    }

    #[test]
    fn the_old_file_stays_until_the_new_one_is_kept() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        for begin in [|path: &Path| NewFile::create(path, Mode::Data).expect("a file"), named] {
            fs::write(&path, "old").expect("writes");
            let mut file = begin(&path);
            file.file().write_all(b"new").expect("writes");
            assert_eq!(fs::read_to_string(&path).expect("reads"), "old");
            file.keep().expect("keeps");
            assert_eq!(fs::read_to_string(&path).expect("reads"), "new");
            let mut dropped = begin(&path);
            dropped.file().write_all(b"dropped").expect("writes");
            drop(dropped);
            assert_eq!(fs::read_to_string(&path).expect("reads"), "new");
            assert_eq!(names(directory.path()), ["file"]);
        }
    }

    #[test]
    fn of_several_each_is_there_or_as_it_was() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        fs::create_dir(path("taken")).expect("a directory");
        let file = |name: &str| (path(name), Mode::Data, name.as_bytes().to_vec());
        let write = |files: &[(PathBuf, Mode, Vec<u8>)]| {
            NewFile::write_all(files.iter().map(|(path, mode, bytes)| (path.clone(), *mode, &bytes[..])))
        };
        write(&[file("a"), file("below/b")]).expect("writes");
        let error = write(&[file("c"), file("taken"), file("d")]).expect_err("a directory is there").to_string();
        assert!(error.contains("taken"), "{error}");
        for name in ["a", "below/b", "c"] {
            assert_eq!(fs::read_to_string(path(name)).expect("reads"), name);
        }
        assert_eq!(names(directory.path()), ["a", "below", "c", "taken"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_the_permissions_of_any_other() {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = tempfile::tempdir().expect("a directory");
        let permissions = |name: &str| fs::metadata(directory.path().join(name)).expect("a file").permissions().mode() & 0o777;
        fs::write(directory.path().join("other"), "").expect("writes");
        NewFile::write(&directory.path().join("data"), Mode::Data, b"").expect("writes");
        NewFile::write(&directory.path().join("program"), Mode::Program, b"").expect("writes");
        named(&directory.path().join("named")).keep().expect("keeps");
        assert_eq!(permissions("data"), permissions("other"));
        assert_eq!(permissions("named"), permissions("other"));
        // Whoever may read may run.
        assert_eq!(permissions("program"), permissions("other") | ((permissions("other") & 0o444) >> 2));
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_has_the_permissions_of_the_old_one() {
        use std::os::unix::fs::PermissionsExt as _;

        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        fs::write(&path, "old").expect("writes");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
        NewFile::write(&path, Mode::Data, b"new").expect("writes");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_no_file_stays_what_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o600)).expect("a FIFO");
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).expect("a link");
        for path in [path.as_path(), link.as_path(), Path::new("/dev/stdout")] {
            let error = NewFile::write(path, Mode::Data, b"x").expect_err("no file").to_string();
            assert!(error.contains("FIFO"), "{error}");
        }
        assert_eq!(names(directory.path()), ["fifo", "link"]);
    }

    #[test]
    fn what_cannot_be_written_is_an_error_that_names_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("directory");
        fs::create_dir(&path).expect("a directory");
        fs::write(path.join("file"), "").expect("writes");
        let error = NewFile::write(&path, Mode::Data, b"x").expect_err("a directory is there").to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert_eq!(names(directory.path()), ["directory"]);
    }

    /// Also where nothing can be made, whoever asks.
    #[cfg(target_os = "linux")]
    #[test]
    fn an_error_names_the_file_and_not_its_directory() {
        let path = Path::new("/proc/report.html");
        let error = NewFile::write(path, Mode::Data, b"x").expect_err("no file can be there").to_string();
        assert!(error.contains("/proc/report.html"), "{error}");
    }
}

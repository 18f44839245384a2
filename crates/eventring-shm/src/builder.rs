//! Making rings, and opening them.

use crate::error::OpenError;
use crate::event::{ContentType, Schema};
use crate::event_ring::{EventRing, Origin, make_bell};
use crate::file::check::Trust;
use crate::file::create::{self, Access, Name};
use crate::file::header::Header;
use crate::file::{boot_id, open_file, random, read_header, reopen};
use crate::lease;
use crate::protocol::layout::PAGE;
use crate::protocol::{Geometry, State};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

/// What a ring is to be like. Made by [`EventRing::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing by itself"]
pub struct Builder {
    descriptors: u64,
    payload: u64,
    content_type: u16,
    schema_hash: [u8; 32],
    access: Access,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            descriptors: 1 << 14,
            payload: 1 << 22,
            content_type: 0,
            schema_hash: [0; 32],
            access: Access::OwnerOnly,
        }
    }

    /// How many events it retains at most: a power of two, from 2. 16384 if not said.
    pub fn descriptors(mut self, descriptors: u64) -> Self {
        self.descriptors = descriptors;
        self
    }

    /// How many bytes of payload it retains at most: a power of two, from 4096. 4 MiB if not said. The
    /// longest payload is a quarter of that.
    pub fn payload(mut self, bytes: u64) -> Self {
        self.payload = bytes;
        self
    }

    /// What its events are, and which version of it.
    pub fn content_type(mut self, content_type: ContentType, schema_hash: [u8; 32]) -> Self {
        self.content_type = content_type.0;
        self.schema_hash = schema_hash;
        self
    }

    /// The same, with what both sides know.
    pub fn schema<S: Schema>(self) -> Self {
        self.content_type(S::CONTENT_TYPE, S::HASH)
    }

    /// Who may do what with its files. Only this user if not said.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Makes a ring of this name.
    ///
    /// # Errors
    ///
    /// If there is one, or it cannot be made: all its memory is taken here.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("ring");
    /// use eventring_shm::EventRing;
    ///
    /// EventRing::builder().create(&path)?;
    /// assert!(EventRing::builder().create(&path).is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(self, path: impl AsRef<Path>) -> Result<EventRing, OpenError> {
        let path = path.as_ref();
        let exists = || OpenError::io("create", std::io::ErrorKind::AlreadyExists);
        self.make(path, Name::New)?.ok_or_else(exists)
    }

    /// Goes on with the ring of this name if there is one of these sizes and this schema, made since
    /// the machine was started. If it is another one, and nobody writes it, a new one takes its name;
    /// the readers of the old one are told. If there is none, it is made.
    /// [`EventRing::origin`] tells which.
    ///
    /// # Errors
    ///
    /// If it cannot be made, or if one is there that does not fit and that somebody writes.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("ring");
    /// use eventring_shm::{EventRing, Kind, Origin};
    ///
    /// let ring = EventRing::builder().create_or_recover(&path)?;
    /// assert_eq!(ring.publisher()?.publish(Kind(1), b"")?, 0);
    /// drop(ring);
    /// let ring = EventRing::builder().create_or_recover(&path)?;
    /// assert_eq!(ring.origin(), Origin::Recovered);
    /// assert_eq!(ring.publisher()?.publish(Kind(1), b"")?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_or_recover(self, path: impl AsRef<Path>) -> Result<EventRing, OpenError> {
        let path = path.as_ref();
        loop {
            let made = match open_file(path, true) {
                Ok(file) => self.recover_or_replace(path, file)?,
                Err(error) if error.is_not_found() => self.make(path, Name::New)?,
                Err(error) => return Err(error),
            };
            // Somebody was faster: look again at what is there now.
            if let Some(ring) = made {
                return Ok(ring);
            }
        }
    }

    /// A new ring takes this name, whatever ring has it now; the readers of that one are told.
    ///
    /// # Errors
    ///
    /// If it cannot be made, or if somebody writes the one that is there.
    pub fn replace(self, path: impl AsRef<Path>) -> Result<EventRing, OpenError> {
        let path = path.as_ref();
        loop {
            let made = match open_file(path, true) {
                Ok(file) => self.replace_file(path, file)?,
                Err(error) if error.is_not_found() => self.make(path, Name::New)?,
                Err(error) => return Err(error),
            };
            if let Some(ring) = made {
                return Ok(ring);
            }
        }
    }

    /// A ring without a name, in sealed memory: to be passed on by [`EventRing::fds`], or used by the
    /// threads of this process. The name is only for who lists open files.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub fn memfd(self, name: &str) -> Result<EventRing, OpenError> {
        let (file, bell) = create::memfd(name, &self.header()?)?;
        OpenOptions::new().assemble(file, Some((bell, true)), None, true, Origin::Created)
    }

    fn header(&self) -> Result<Header, OpenError> {
        let geometry = Geometry::new(self.descriptors, self.payload)
            .filter(|geometry| geometry.payload() >= PAGE)
            .ok_or(OpenError::Geometry)?;
        Ok(Header {
            geometry,
            content_type: self.content_type,
            schema_hash: self.schema_hash,
            ring_id: random(),
            boot_id: boot_id(),
            created: crate::clock::now(),
        })
    }

    fn options(&self) -> OpenOptions {
        OpenOptions::trusting(Trust {
            owners: Vec::new(),
            groups: self.access.trusted_group().into_iter().collect(),
        })
    }

    /// `None` if the name has to be new and is not.
    fn make(&self, path: &Path, name: Name) -> Result<Option<EventRing>, OpenError> {
        let header = self.header()?;
        // First, so that nobody finds a ring without it.
        let bell = make_bell(path, self.access)?;
        let Some(file) = create::ring(path, &header, self.access, name)? else {
            return Ok(None);
        };
        let origin = match name {
            Name::New => Origin::Created,
            Name::Replaced => Origin::Replaced,
        };
        self.options()
            .assemble(file, Some((bell, true)), Some(path), true, origin)
            .map(Some)
    }

    /// `None` if the name was given to another one meanwhile.
    fn recover_or_replace(&self, path: &Path, file: File) -> Result<Option<EventRing>, OpenError> {
        let wanted = self.header()?;
        let options = self.options();
        let fits = match read_header(&file, &options.trust) {
            Ok(found) => {
                found.geometry == wanted.geometry
                    && found.content_type == wanted.content_type
                    && found.schema_hash == wanted.schema_hash
                    && found.boot_id == wanted.boot_id
            }
            Err(_) => false,
        };
        if !fits {
            return self.replace_file(path, file);
        }
        let bell = make_bell(path, self.access)?;
        let ring = options.assemble(
            file,
            Some((bell, true)),
            Some(path),
            true,
            Origin::Recovered,
        )?;
        let gone = ring.inner().lost_its_name();
        Ok((!gone).then_some(ring))
    }

    /// Gives the name to a new ring, and tells who reads the old one. `None` as above.
    fn replace_file(&self, path: &Path, file: File) -> Result<Option<EventRing>, OpenError> {
        let options = self.options();
        // A ring that is damaged is replaced; what is none is somebody's, and stays.
        if let Err(error) = read_header(&file, &options.trust) {
            if !error.is_of_a_ring() {
                return Err(error);
            }
        }
        // One that is damaged has no readers to be told.
        let old = options.assemble(reopen(&file, true)?, None, Some(path), true, Origin::Opened);
        let pid = old.as_ref().map_or(0, |old| old.writer().pid);
        let _nobody_writes = lease::lock_name(&file, pid)?;
        if old.as_ref().is_ok_and(|old| old.inner().lost_its_name()) {
            return Ok(None);
        }
        let new = self.make(path, Name::Replaced)?;
        if let (Ok(old), Some(new)) = (old, &new) {
            old.ring().set_state(State::Replaced);
            new.inner().bell.wake();
        }
        Ok(new)
    }
}

/// How a ring is to be opened. Made by [`EventRing::options`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing by themselves"]
pub struct OpenOptions {
    pub(crate) trust: Trust,
    pub(crate) payload_limit: u64,
}

impl OpenOptions {
    pub(crate) fn new() -> Self {
        Self {
            trust: Trust::default(),
            payload_limit: 256 << 20,
        }
    }

    /// Trust this user, too, not to truncate the ring while it is read.
    pub fn trust_owner(mut self, uid: u32) -> Self {
        self.trust.owners.push(uid);
        self
    }

    /// Trust this group, too, if it may write the ring or its bell.
    pub fn trust_group(mut self, gid: u32) -> Self {
        self.trust.groups.push(gid);
        self
    }

    /// A longer payload is not believed: the ring counts as corrupt. 256 MiB if not said.
    pub fn payload_limit(mut self, bytes: u64) -> Self {
        self.payload_limit = bytes;
        self
    }

    /// Opens the ring, to read from it.
    ///
    /// # Errors
    ///
    /// As [`EventRing::open`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<EventRing, OpenError> {
        let path = path.as_ref();
        let file = open_file(path, false)?;
        self.read_file(file, self.open_bell(path)?, Some(path))
    }

    /// Opens the ring, to read from it or to publish.
    ///
    /// # Errors
    ///
    /// As [`EventRing::open`].
    pub fn open_writable(&self, path: impl AsRef<Path>) -> Result<EventRing, OpenError> {
        let path = path.as_ref();
        let file = open_file(path, true)?;
        self.assemble(
            file,
            self.open_bell(path)?,
            Some(path),
            true,
            Origin::Opened,
        )
    }

    pub(crate) fn open_fds(
        &self,
        ring: OwnedFd,
        bell: Option<OwnedFd>,
    ) -> Result<EventRing, OpenError> {
        let writable = is_writable(&ring)?;
        let bell = match bell {
            Some(bell) => {
                let writable = is_writable(&bell)?;
                Some((File::from(bell), writable))
            }
            None => None,
        };
        self.assemble(File::from(ring), bell, None, writable, Origin::Opened)
    }
}

fn is_writable(file: &OwnedFd) -> Result<bool, OpenError> {
    use rustix::fs::{OFlags, fcntl_getfl};
    let flags = fcntl_getfl(file).map_err(|error| OpenError::io("look at", error))?;
    Ok(flags.contains(OFlags::RDWR))
}

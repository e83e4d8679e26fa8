//! One file from the hub, in as many pieces as the connection makes of it.
//!
//! The bytes gather in `NAME.part`; what they are a part of stands in `NAME.part.toml`. Both
//! survive a failure, so that the next try, in this process or another, asks only for the rest, and
//! only if the server still has the same file. The part gets its final name when its size and
//! digest are right, and never before.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::hub::{Hub, HubError, Reply, Resume};
use crate::embedding::digest::Sha256;
use crate::embedding::folder::write_whole;
use crate::progress::{Progress, Unit};

const COPY_BYTES: usize = 64 * 1024;

/// A try that brought this much was no failure of the server's: the count of tries starts again.
const GOOD_PROGRESS_BYTES: u64 = 1024 * 1024;

/// What is wanted.
pub(super) struct Wanted<'a> {
    pub(super) url: String,
    /// The final name; nothing is written under it here.
    pub(super) name: &'a Path,
    /// What the progress report calls it.
    pub(super) stage: String,
    pub(super) sha256: Option<Sha256>,
    pub(super) size: Option<u64>,
}

/// A whole and checked file, still under its temporary name.
pub(super) struct Downloaded {
    pub(super) part: PathBuf,
    pub(super) sha256: Sha256,
    pub(super) bytes: u64,
}

/// What a part is a part of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PartNote {
    url: String,
    etag: Option<String>,
    sha256: Option<Sha256>,
    total: Option<u64>,
}

struct Download<'a> {
    hub: &'a Hub<'a>,
    wanted: &'a Wanted<'a>,
    progress: &'a dyn Progress,
    part: PathBuf,
    note: PathBuf,
}

/// Downloads a file, or the rest of it.
pub(super) fn download(
    hub: &Hub<'_>,
    wanted: &Wanted<'_>,
    progress: &dyn Progress,
) -> Result<Downloaded, HubError> {
    let part = with_suffix(wanted.name, ".part");
    let note = with_suffix(wanted.name, ".part.toml");
    Download { hub, wanted, progress, part, note }.run()
}

/// Forgets what a download left, once the file has its final name.
pub(super) fn clear(name: &Path) {
    // A leftover costs disk, nothing else, and the next download of the file clears it.
    let _ = fs::remove_file(with_suffix(name, ".part"));
    let _ = fs::remove_file(with_suffix(name, ".part.toml"));
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

impl Download<'_> {
    fn run(&self) -> Result<Downloaded, HubError> {
        let mut attempt = 1;
        loop {
            let before = self.part_size();
            match self.attempt() {
                Err(error) if error.is_transient() => {
                    if self.part_size() >= before.saturating_add(GOOD_PROGRESS_BYTES) {
                        attempt = 1;
                    }
                    if attempt >= self.hub.settings.tries {
                        return Err(error);
                    }
                    attempt += 1;
                    self.progress.note(&format!("{error}; trying again"));
                    std::thread::sleep(self.hub.settings.wait_before(attempt, error.asks_to_wait()));
                }
                done => return done,
            }
        }
    }

    fn attempt(&self) -> Result<Downloaded, HubError> {
        let left = self.left_part();
        let resume = left.as_ref().and_then(|(offset, note)| {
            let etag = note.etag.clone().filter(|etag| !etag.starts_with("W/"))?;
            (*offset > 0).then_some(Resume { offset: *offset, etag })
        });
        // Everything had come, and the program ended before it could be checked.
        if let Some((offset, note)) = &left
            && note.total == Some(*offset)
        {
            return self.finish(note);
        }
        let reply = self.hub.get(&self.wanted.url, resume.as_ref())?;
        match (&left, &resume) {
            (Some((_, note)), Some(resume)) if continues(&reply, resume, note) => {
                let note = note.clone();
                self.receive(reply, resume.offset, note)
            }
            _ if reply.response.status() == 200 => self.receive_whole(reply),
            // A part that the server cannot go on from, or a server that counts otherwise than we
            // do.
            _ => {
                self.discard();
                self.receive_whole(self.hub.get(&self.wanted.url, None)?)
            }
        }
    }

    fn receive_whole(&self, reply: Reply) -> Result<Downloaded, HubError> {
        if reply.response.status() != 200 {
            return Err(HubError::Status { url: self.url(), status: reply.response.status().as_u16() });
        }
        if let (Some(wanted), Some(got)) = (self.wanted.size, reply.total)
            && wanted != got
        {
            return Err(HubError::Size { url: self.url(), wanted, got });
        }
        // First the old bytes go, then the note changes: never do old bytes lie under a new note.
        File::create(&self.part).map_err(self.writing())?;
        let note =
            PartNote { url: self.url(), etag: reply.etag.clone(), sha256: reply.sha256, total: reply.total };
        self.write_note(&note)?;
        self.receive(reply, 0, note)
    }

    /// Writes a body behind the `offset` bytes that are there.
    fn receive(&self, reply: Reply, offset: u64, note: PartNote) -> Result<Downloaded, HubError> {
        let mut part = File::options().append(true).open(&self.part).map_err(self.writing())?;
        self.progress.begin(&self.wanted.stage, note.total, Unit::Bytes);
        self.progress.advance(offset);
        let copied = self.copy(reply, &mut part, offset, note.total);
        self.progress.finish();
        let bytes = copied?;
        // The length was unknown, and now the end has come.
        self.finish(&PartNote { total: Some(note.total.unwrap_or(bytes)), ..note })
    }

    fn copy(&self, reply: Reply, part: &mut File, offset: u64, total: Option<u64>) -> Result<u64, HubError> {
        let mut body = reply.response.into_body().into_reader();
        let mut buffer = vec![0; COPY_BYTES];
        let mut received = offset;
        let lost = |received, source| HubError::Lost { url: self.url(), received, total, source };
        loop {
            let count = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(lost(received, Some(error))),
            };
            part.write_all(&buffer[..count]).map_err(self.writing())?;
            received += count as u64;
            self.progress.advance(count as u64);
            if let Some(wanted) = total.filter(|&total| received > total) {
                self.discard();
                return Err(HubError::Size { url: self.url(), wanted, got: received });
            }
        }
        if total.is_some_and(|total| received < total) { Err(lost(received, None)) } else { Ok(received) }
    }

    /// Checks the part. Whatever is wrong with a part that is complete will not get better: it
    /// goes.
    fn finish(&self, note: &PartNote) -> Result<Downloaded, HubError> {
        let (got, bytes) = Sha256::of_file(&self.part).map_err(self.writing())?;
        let url = || self.url();
        let sizes = [self.wanted.size, note.total];
        if let Some(wanted) = sizes.into_iter().flatten().find(|&size| size != bytes) {
            self.discard();
            return Err(HubError::Size { url: url(), wanted, got: bytes });
        }
        match self.wanted.sha256.or(note.sha256) {
            Some(wanted) if wanted != got => {
                self.discard();
                Err(HubError::Digest { url: url(), wanted, got })
            }
            _ => Ok(Downloaded { part: self.part.clone(), sha256: got, bytes }),
        }
    }

    /// The part that an earlier try left of this very file.
    fn left_part(&self) -> Option<(u64, PartNote)> {
        let note: PartNote = toml::from_str(&fs::read_to_string(&self.note).ok()?).ok()?;
        let size = fs::metadata(&self.part).ok()?.len();
        (note.url == self.wanted.url).then_some((size, note))
    }

    fn part_size(&self) -> u64 {
        fs::metadata(&self.part).map_or(0, |metadata| metadata.len())
    }

    fn write_note(&self, note: &PartNote) -> Result<(), HubError> {
        let text = toml::to_string(note).map_err(io::Error::other);
        let written = text.and_then(|text| write_whole(&self.note, &text));
        written.map_err(|source| HubError::Write { path: self.note.clone(), source })
    }

    fn discard(&self) {
        clear(self.wanted.name);
    }

    fn url(&self) -> String {
        self.wanted.url.clone()
    }

    fn writing(&self) -> impl FnOnce(io::Error) -> HubError + use<> {
        let path = self.part.clone();
        |source| HubError::Write { path, source }
    }
}

/// Whether an answer goes on exactly where the part ends, and in the same file.
fn continues(reply: &Reply, resume: &Resume, note: &PartNote) -> bool {
    let same = |said: bool, known: bool| !said || known;
    reply.response.status() == 206
        && reply.start == Some(resume.offset)
        && reply.etag == note.etag
        && same(reply.sha256.is_some(), reply.sha256 == note.sha256)
        && same(reply.total.is_some(), reply.total == note.total)
}

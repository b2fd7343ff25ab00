//! Owner, group, ACL and the user's attributes of the source are those of the output; what would give rights is not.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // A test may.

mod common;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use common::{Wav, folder, put};
use sourdine_soundfile::{Overwrite, SampleFormat, SoundReader, SoundRewriter, SoundWriter};
use tempfile::TempDir;
use xattr::FileExt;

const ACL: &str = "system.posix_acl_access";

/// An ACL as Linux keeps it: version 2, then tag, permissions and number of each entry. User 4242 may read.
fn acl() -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in
        [(1_u16, 6_u16, u32::MAX), (2, 4, 4242), (4, 0, u32::MAX), (16, 4, u32::MAX), (32, 0, u32::MAX)]
    {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

fn source(folder: &TempDir) -> PathBuf {
    put(folder, "in.wav", &Wav::new(SampleFormat::I16, 1, 1000).bytes())
}

/// Each way in which a file is made from another: rewritten, as FLAC, and a part.
fn copies(input: &Path, check: impl Fn(&Path)) {
    let outputs = folder();
    for (name, part) in [("out.wav", false), ("out.flac", false), ("part.wav", true)] {
        let output = outputs.path().join(name);
        for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
            let mut reader = SoundReader::open(input).unwrap();
            if part {
                let mut writer = SoundWriter::create_part(&reader, &output, overwrite).unwrap();
                let mut samples = vec![0.0; 1000];
                assert_eq!(reader.read(&mut samples).unwrap(), 1000);
                writer.write(&samples).unwrap();
                writer.finish().unwrap();
            } else {
                let rewriter = SoundRewriter::create(reader, &output, overwrite).unwrap();
                assert_eq!(common::pass_through(rewriter, |sample| sample).unwrap(), 1000);
            }
            check(&output);
        }
    }
}

#[test]
fn attributes_of_the_user_and_the_acl() {
    let folder = folder();
    let input = source(&folder);
    let file = File::open(&input).unwrap();
    if let Err(error) = file.set_xattr("user.take", b"3").and_then(|()| file.set_xattr(ACL, &acl())) {
        println!("SKIPPED: no attributes or ACLs on this file system: {error}");
        return;
    }
    copies(&input, |output| {
        let output = File::open(output).unwrap();
        assert_eq!(output.get_xattr("user.take").unwrap().as_deref(), Some(&b"3"[..]));
        assert_eq!(output.get_xattr(ACL).unwrap(), Some(acl()));
        assert_eq!(output.metadata().unwrap().mode() & 0o7777, 0o640, "the mask of the ACL");
    });
}

/// The output has the rights of its source, not those that its folder would give it.
#[test]
fn a_folders_default_acl_adds_nothing() {
    let (inputs, outputs) = (folder(), folder());
    let input = source(&inputs);
    fs::set_permissions(&input, Permissions::from_mode(0o640)).unwrap();
    if let Err(error) = File::open(outputs.path()).unwrap().set_xattr("system.posix_acl_default", &acl()) {
        println!("SKIPPED: no ACLs on this file system: {error}");
        return;
    }
    let output = outputs.path().join("out.wav");
    common::rewrite(&input, &output, Overwrite::Refuse, |sample| sample).unwrap();
    assert_eq!(xattr::get(&output, ACL).unwrap(), None);
    assert_eq!(fs::metadata(&output).unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn the_owner_where_files_may_be_given_away() {
    let folder = folder();
    let input = source(&folder);
    if let Err(error) = chown(&input, Some(12_345), Some(23_456)) {
        println!("SKIPPED: this user may not give files away: {error}");
        return;
    }
    fs::set_permissions(&input, Permissions::from_mode(0o6751)).unwrap();
    copies(&input, |output| {
        let about = fs::metadata(output).unwrap();
        assert_eq!((about.uid(), about.gid()), (12_345, 23_456));
        assert_eq!(about.mode() & 0o7777, 0o751, "set-user-id and set-group-id stay behind");
    });
}

#[test]
fn capabilities_stay_behind() {
    let folder = folder();
    let input = source(&folder);
    // Version 2, effective: CAP_NET_RAW.
    let mut capability = 0x0200_0001_u32.to_le_bytes().to_vec();
    capability.extend((1_u32 << 13).to_le_bytes());
    capability.extend([0; 12]);
    if let Err(error) = xattr::set(&input, "security.capability", &capability) {
        println!("SKIPPED: this user may not give capabilities: {error}");
        return;
    }
    copies(&input, |output| {
        assert_eq!(xattr::get(output, "security.capability").unwrap(), None);
    });
}

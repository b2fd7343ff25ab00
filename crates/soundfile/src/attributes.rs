//! Copies attributes from the source to the output: owner, permissions, and what the
//! user attached to it.
//!
//! | | |
//! |---|---|
//! | permissions | read, write, execute of owner, group and others; set-user-id and its like never |
//! | owner, group | where the system lets this user give files away; silently not otherwise, as `cp -p` has it |
//! | ACL | on Linux, where the file system has them |
//! | extended attributes | the user's (`user.` on Linux, all on other systems); labels and capabilities of the system never |

use std::fs::{self, File};
use std::io;

/// The attributes of one file.
#[derive(Clone, Debug)]
pub(crate) struct Attributes {
    permissions: fs::Permissions,
    #[cfg(unix)]
    owner: (u32, u32),
    #[cfg(unix)]
    extended: Vec<(std::ffi::OsString, Vec<u8>)>,
}

impl Attributes {
    /// Reads those of an open file.
    #[cfg(unix)]
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        use xattr::FileExt;
        let about = file.metadata()?;
        // Listing fails on a file system without them.
        let names = file.list_xattr().into_iter().flatten().filter(|name| unix::is_kept(name));
        let with_value = |name: std::ffi::OsString| {
            let value = file.get_xattr(&name).ok().flatten()?;
            Some((name, value))
        };
        let extended = names.filter_map(with_value).collect();
        Ok(Self { permissions: about.permissions(), owner: (about.uid(), about.gid()), extended })
    }

    #[cfg(not(unix))]
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        Ok(Self { permissions: file.metadata()?.permissions() })
    }

    /// Gives them to another file, as far as the system lets us.
    pub(crate) fn give(&self, file: &File) -> io::Result<()> {
        #[cfg(unix)]
        unix::give_owner(self.owner, file);
        set(file, self.permission_bits())?;
        #[cfg(unix)]
        if !unix::give_extended(&self.extended, file) {
            // With an ACL, the group's bits are the most that anybody named in it may do. Without, they would let the
            // group do all of that.
            set(file, unix::without_group(&self.permissions))?;
        }
        Ok(())
    }

    /// Without set-user-id and its like.
    #[cfg(unix)]
    fn permission_bits(&self) -> fs::Permissions {
        use std::os::unix::fs::PermissionsExt;
        fs::Permissions::from_mode(self.permissions.mode() & 0o777)
    }

    #[cfg(not(unix))]
    fn permission_bits(&self) -> fs::Permissions {
        self.permissions.clone()
    }
}

/// Sets permissions. File systems without them are no reason to lose the work.
fn set(file: &File, permissions: fs::Permissions) -> io::Result<()> {
    match file.set_permissions(permissions) {
        Err(error)
            if !matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
mod unix {
    use std::ffi::{OsStr, OsString};
    use std::fs::{File, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    use xattr::FileExt;

    /// The attribute in which Linux keeps the ACL.
    const ACL: &str = "system.posix_acl_access";

    /// Returns whether an attribute is the user's. On Linux the others are labels and capabilities, which belong to the one file.
    pub(super) fn is_kept(name: &OsStr) -> bool {
        !cfg!(target_os = "linux") || name == ACL || name.as_encoded_bytes().starts_with(b"user.")
    }

    /// Only the superuser may give files away; any user may give them to one of their own groups.
    pub(super) fn give_owner(owner: (u32, u32), file: &File) {
        let is_so = file.metadata().is_ok_and(|about| (about.uid(), about.gid()) == owner);
        if !is_so && fchown(file, Some(owner.0), Some(owner.1)).is_err() {
            // Otherwise the group stays that of this user.
            let _ = fchown(file, None, Some(owner.1));
        }
    }

    /// False if there is an ACL that the file system does not take.
    pub(super) fn give_extended(extended: &[(OsString, Vec<u8>)], file: &File) -> bool {
        let mut without_acl = true;
        let mut given = true;
        for (name, value) in extended {
            let set = file.set_xattr(name, value).is_ok();
            if name == ACL {
                without_acl = false;
                given = set;
            }
        }
        if without_acl && cfg!(target_os = "linux") {
            // The one that the folder gave it.
            let _ = file.remove_xattr(ACL);
        }
        given
    }

    pub(super) fn without_group(permissions: &Permissions) -> Permissions {
        Permissions::from_mode(permissions.mode() & 0o707)
    }
}

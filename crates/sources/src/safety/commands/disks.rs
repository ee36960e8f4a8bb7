//! Commands that write over whole disks.

use super::super::place::UNKNOWN;
use super::super::run::{Shell, shown};
use super::{flags, has_flag, operands};

/// Judges a command by what it would do to devices.
pub(super) fn judge(shell: &mut Shell<'_>, name: &str, arguments: &[String]) {
    let asks = ["--help", "--version", "-h", "-V"];
    if arguments.iter().any(|argument| asks.contains(&argument.as_str())) {
        return;
    }
    match name {
        "dd" => {
            let output = arguments.iter().find_map(|argument| argument.strip_prefix("of="));
            if let Some(path) = output.filter(|path| is_device(shell, path)) {
                shell.block(format!("dd would write over the device {}", shown(path)));
            }
        }
        "mkswap" | "mke2fs" | "newfs" | "mkfs" => make_file_system(shell, name, arguments),
        _ if name.starts_with("mkfs.") || name.starts_with("newfs_") => {
            make_file_system(shell, name, arguments);
        }
        "wipefs" if !has_flag(arguments, "n", "no-act") && has_flag(arguments, "ao", "all") => {
            over(shell, name, arguments);
        }
        "shred" | "truncate" | "blkdiscard" | "scrub" | "badblocks" | "fallocate" => {
            over(shell, name, arguments);
        }
        "sgdisk" if has_flag(arguments, "Zzod", "zap-all") => over(shell, name, arguments),
        "sfdisk" if flags(arguments).any(|flag| flag == "--delete" || flag == "--wipe=always") => {
            over(shell, name, arguments);
        }
        "parted"
            if arguments
                .iter()
                .any(|word| matches!(word.as_str(), "mklabel" | "mktable" | "rm")) =>
        {
            over(shell, name, arguments);
        }
        "cryptsetup" if arguments.iter().any(|word| word == "luksFormat" || word == "erase") => {
            over(shell, name, arguments);
        }
        "nvme" if arguments.iter().any(|word| word == "format" || word == "sanitize") => {
            over(shell, name, arguments);
        }
        "diskutil" => {
            if let Some(word) = arguments.first().filter(|word| {
                let word = word.to_ascii_lowercase();
                word.starts_with("erase") || word == "partitiondisk" || word == "zerodisk"
            }) {
                shell.block(format!("diskutil {} would erase a disk", shown(word)));
            }
        }
        "cp" | "install" | "sponge" => written_to(shell, name, arguments),
        _ => {}
    }
}

/// Judges a command that writes into its last operand, or as `tee` into all of them.
pub(super) fn written_to(shell: &mut Shell<'_>, name: &str, arguments: &[String]) {
    let operands = operands(arguments);
    let written = match name {
        "tee" | "sponge" => operands.as_slice(),
        "cp" | "install" => {
            operands.split_last().map_or(&[][..], |(last, _)| std::slice::from_ref(last))
        }
        _ => return,
    };
    for path in written {
        if is_device(shell, path) {
            shell.block(format!("{name} would write over the device {}", shown(path)));
        }
    }
}

fn make_file_system(shell: &mut Shell<'_>, name: &str, arguments: &[String]) {
    for path in operands(arguments) {
        if is_device(shell, path) || path.contains(UNKNOWN) {
            shell.block(format!("{name} would make a new file system over {}", shown(path)));
        }
    }
}

fn over(shell: &mut Shell<'_>, name: &str, arguments: &[String]) {
    for path in operands(arguments) {
        if is_device(shell, path) {
            shell.block(format!("{name} would wipe the device {}", shown(path)));
        }
    }
}

fn is_device(shell: &Shell<'_>, path: &str) -> bool {
    shell.folder.join(path).is_device()
}

//! Two tables, one of what must be stopped and one of what must never be, and made-up scripts that
//! must come to an end.

use proptest::prelude::*;

use super::*;

const HOME: &str = "/home/ada";

#[rustfmt::skip]
const DANGEROUS: &[&str] = &[
    "rm -rf /", "rm -r -f /", "rm -fr /", "rm -Rf /", "rm -rfv /", "rm -r / -f", "rm / -rf",
    "rm --recursive --force /", "rm --recurs --forc /", "rm -rf -- /", "rm -r /",
    "rm -rf --no-preserve-root /", "rm -rf --no-preserve-root build", "rm -rf /*", "rm -rf /.*",
    "rm -rf /.", "rm -rf /./", "rm -rf //", "rm -rf ///*", "rm -rf /etc/../", "rm -rf /tmp/..",
    "rm -rf /tmp/../*", "rm -rf ~", "rm -rf ~/", "rm -rf ~/*", "rm -rf ~/.*", "rm -rf ~/{*,.*}",
    "rm -rf $HOME", "rm -rf ${HOME}", "rm -rf \"$HOME\"", "rm -rf \"${HOME}/\"", "rm -rf $HOME/*",
    "rm -rf \"$HOME\"/*", "rm --recursive --force \"$HOME\"", "rm -rf ${HOME:?}/*",
    "rm -rf ${HOME:-/}", "rm -rf ${HOME%/}", "rm -rf ${HOME:0:1}", "rm -rf /home/ada",
    "rm -rf /home", "rm -rf /home/*", "rm -rf /home/eve", "rm -rf ~eve", "rm -rf ~root", "rm -rf /root",
    "rm -rf /usr", "rm -rf /usr/", "rm -rf /usr/*", "rm -rf /usr/bin", "rm -rf /etc", "rm -rf /var",
    "rm -rf /bin /sbin", "rm -rf /b*", "rm -rf /us?", "rm -rf /[u]sr", "rm -rf /{bin,usr}",
    "rm -rf {/usr,/tmp/x}", "rm -rf /!(tmp)", "rm -rf ..", "rm -rf ../", "rm -rf ../*",
    "rm -rf ../..", "rm -rf ./..", "rm -rf build/../..", "rm -rf ../../*",
    "'rm' -rf /", "\"rm\" -rf /", "\\rm -rf /", "r\"m\" -rf /", "r\\m -rf /", "/bin/rm -rf /",
    "rm '-rf' '/'", "rm -rf \"/\"", "rm -rf $'\\x2f'", "rm -rf $'\\057'", "rm \\\n  -rf \\\n  /",
    "sudo rm -rf /", "sudo -u root rm -rf /", "sudo -nu root -- rm -rf /", "sudo --user root rm -rf /",
    "sudo X=1 rm -rf /", "doas rm -rf /", "env X=1 rm -rf /", "env -i PATH=/bin rm -rf /",
    "env -u X rm -rf /", "env -S 'rm -rf /'", "X=1 Y=2 rm -rf /", "nohup rm -rf / &",
    "time rm -rf /", "time -p rm -rf /", "nice -n 19 rm -rf /", "ionice -c 3 rm -rf /",
    "timeout 10 rm -rf /", "timeout -k 5 10s rm -rf /", "stdbuf -oL rm -rf /", "setsid rm -rf /",
    "command rm -rf /", "exec rm -rf /", "busybox rm -rf /", "sudo nohup nice rm -rf /",
    "true; rm -rf /", "true && rm -rf /", "false || rm -rf /", "true & rm -rf /", "true | rm -rf /",
    "true\nrm -rf /", "true;rm -rf /;true", "(rm -rf /)", "( cd /tmp; rm -rf / )", "{ rm -rf /; }",
    "echo $(rm -rf /)", "echo \"$(rm -rf /)\"", "echo `rm -rf /`", "echo \"`rm -rf /`\"",
    "x=$(rm -rf /)", "cat <(rm -rf /)", "echo $(echo $(rm -rf /))", "echo ${x:-$(rm -rf /)}",
    "((x)) ; rm -rf /", "((1<<2))\nrm -rf /", "echo $((1 + 2)) && rm -rf /",
    "bash -c 'rm -rf /'", "sh -c \"rm -rf /\"", "bash -lc 'rm -rf /'", "bash -o pipefail -c 'rm -rf /'",
    "bash -euo pipefail -c 'rm -rf /'", "sh -c 'rm -rf \"$1\"' x /", "sh -c \"sh -c 'rm -rf /'\"",
    "eval rm -rf /", "eval 'rm -rf /'", "eval \"rm\" \"-rf\" \"/\"", "sudo sh -c 'cd / && rm -rf *'",
    "su -c 'rm -rf /'", "su - root -c 'rm -rf /'", "ssh box rm -rf /", "ssh -p 22 box 'sudo rm -rf /'",
    "trap 'rm -rf /' EXIT", "bash <<EOF\nrm -rf /\nEOF", "bash <<'EOF'\nrm -rf /\nEOF",
    "cat <<EOF | sh\nrm -rf /\nEOF", "cat <<EOF\n$(rm -rf /)\nEOF", "bash <<< 'rm -rf /'",
    "echo 'rm -rf /' | sh", "echo \"rm -rf /\" | sudo bash", "printf 'rm -rf /' | bash -s",
    "cat <<EOF\ntext\nEOF\nrm -rf /", "xargs rm -rf /", "echo / | xargs rm -rf", "echo ~ | xargs rm -rf",
    "echo / | xargs -I{} rm -rf {}", "echo / | xargs -n 1 sudo rm -rf", "xargs rm -rf <<< /",
    "find / -delete", "find / -type f -delete", "find ~ -delete", "find ~ -mindepth 1 -delete",
    "find / -name '*' -delete", "find / ! -name keep -delete", "find / -exec rm -rf {} \\;",
    "find / -exec rm {} +", "find /usr -type f -exec sudo rm -rf {} ';'", "find . -exec rm -rf / ';'",
    "find / -exec sh -c 'rm -rf \"$1\"' _ {} ';'", "find / -print0 | xargs -0 rm -rf", "find .. -delete",
    "find . -name x -exec rm -rf ~ ';'",
    "x=/; rm -rf $x", "x=/; rm -rf \"$x\"", "x=/usr; y=$x; rm -rf $y", "x='-rf /'; rm $x",
    "x=; rm -rf $x/", "x= ; rm -rf \"$x\"/*", "x=(/tmp/a /usr); rm -rf \"${x[@]}\"",
    "export X=/; rm -rf $X", "for d in /tmp/a /usr; do rm -rf $d; done", "for d in /*; do rm -rf \"$d\"; done",
    "x=$(echo /); rm -rf $x", "rm -rf \"$(echo /usr)\"", "c='rm -rf /'; $c", "c=rm; $c -rf /",
    "if true; then rm -rf /; fi", "if rm -rf /; then :; fi", "while true; do rm -rf /; done",
    "until false; do\n  rm -rf /\ndone", "for ((i=0;i<2;i++)); do rm -rf /; done", "! rm -rf /",
    "case $x in a) rm -rf / ;; esac", "case $x in a|b)\n echo ;;\n *) rm -rf ~ ;; esac",
    "f() { rm -rf /; }; f", "function f { rm -rf /; }; f",
    "cd / && rm -rf *", "cd /; rm -rf ./*", "cd ~ && rm -rf *", "cd && rm -rf *", "cd /usr/bin && rm -rf ..",
    "cd .. && rm -rf *", "cd /tmp && cd .. && rm -rf *", "pushd /; rm -rf *", "cd /usr && rm -rf \"$(pwd)\"",
    "cd /usr && rm -rf $PWD", "(cd /tmp); cd / && rm -rf *",
    "mkfs /dev/sda1", "mkfs.ext4 /dev/sda1", "sudo mkfs.xfs -f /dev/nvme0n1p1", "mkfs -t ext4 $DISK",
    "mke2fs /dev/vda", "mkswap /dev/sdb1", "dd if=/dev/zero of=/dev/sda", "dd of=/dev/nvme0n1 if=x bs=4M",
    "sudo dd if=a.iso of=/dev/disk2", "wipefs -a /dev/sda", "wipefs --all /dev/sda", "shred /dev/sda",
    "shred -n 1 -v /dev/sdb", "blkdiscard /dev/nvme0n1", "truncate -s 0 /dev/sda", "> /dev/sda",
    "echo x > /dev/sda", "cat /dev/zero > /dev/sda", "cat /dev/zero >/dev/sda1", "cat x >> /dev/vda",
    "cat x &> /dev/sda", "cat x >| /dev/sda", "while true; do echo; done > /dev/sda",
    "cat x | tee /dev/sda", "cat x | sudo tee /dev/sda >/dev/null", "cp image.iso /dev/sdb",
    "sgdisk --zap-all /dev/sda", "parted -s /dev/sda mklabel gpt", "cryptsetup luksFormat /dev/sda2",
    "diskutil eraseDisk JHFS+ x disk2", ":(){ :|:& };:", ":(){ :|: & };:", "bomb() { bomb | bomb & }; bomb",
    "f(){ f & f & }; f", "perl -e 'fork while fork'",
    "chmod -R 777 /", "chmod -R 000 /*", "sudo chmod --recursive a-x /usr", "chmod 777 -R /etc",
    "chown -R nobody /", "chown -R ada:ada /usr/bin", "chgrp -R staff /etc",
    "mv / /tmp/x", "mv / ..", "mv ~ /tmp/x", "mv /usr /usr.old", "mv /* /tmp", "mv -t /tmp /etc",
    "rsync -a --delete /tmp/empty/ /", "rsync -a --delete empty/ ~/",
    "rm -rf /\ncase $x in!a\\|b) echo ;; esac", "rm -rf /\ncase x in) ;; esac", "rm -rf /; case x) esac",
];

#[rustfmt::skip]
const HARMLESS: &[&str] = &[
    "", " ", "\n", "ls", "ls -la /", "echo 'rm -rf /'", "echo \"rm -rf /\"", "echo rm -rf /",
    "printf '%s\\n' 'rm -rf /'", "grep \"rm -rf /\" file", "grep -r 'rm -rf /' .", "rg 'rm -rf ~'",
    "git commit -m \"rm -rf /\"", "git commit -m 'do not run rm -rf / here'", "git log --grep='rm -rf /'",
    "git commit -m \"$(cat <<'EOF'\nDon't rm -rf / (it's bad)\nEOF\n)\"",
    "# rm -rf /", "ls # rm -rf /", "echo a#b; ls", "cat <<EOF\nrm -rf /\nEOF", "cat <<'EOF' > notes.md\nrm -rf /\n$(rm -rf /)\nEOF",
    "cat <<-EOF\n\trm -rf /\n\tEOF\nls", "cat > clean.sh <<'EOF'\n#!/bin/sh\nrm -rf /\nEOF",
    "python -c \"import shutil; print('rm -rf /')\"", "python3 -c 'x = \"rm -rf /\"'", "node -e 'console.log(\"rm -rf /\")'",
    "rm -rf ./build", "rm -rf build", "rm -rf build/", "rm -rf build/*", "rm -rf ./build/*", "rm -rf node_modules",
    "rm -rf node_modules package-lock.json && npm install", "rm -rf target dist .cache", "rm -rf /tmp/x",
    "rm -rf /tmp/*", "rm -rf /tmp/build-1234", "rm -rf /var/tmp/x", "rm -rf \"/tmp/my dir\"", "rm -r ~/project/target",
    "rm -rf ~/project/node_modules", "rm -rf \"$HOME/.cache/pip\"", "rm -rf ~/.cache/*", "rm -rf $HOME/tmp/x",
    "rm -rf ../other", "rm -rf ../build/*", "rm -rf ../../old", "rm -rf \"$TMPDIR\"", "rm -rf \"$DIR\"", "rm -rf $BUILD/*",
    "rm -rf \"${OUT:-/tmp/out}\"", "rm -rf \"$(mktemp -d)\"", "rm -rf $(cat list)", "rm -rf `cat list`", "rm -rf .", "rm -rf *.log",
    "rm file", "rm -f /tmp/a", "rm -f package-lock.json", "rm -i a b", "rm", "rm -rf", "rm -rf ''", "rm --help",
    "rm -rf .git/hooks", "rm -rf .venv __pycache__", "rm -rf /app/dist", "rm -rf /usr/local/go", "rm -rf /opt/tool/old",
    "rm -rf /var/lib/apt/lists/*", "apt-get clean && rm -rf /var/lib/apt/lists/* /tmp/* /var/tmp/*",
    "sudo rm -rf /usr/local/lib/node_modules/npm", "rm -rf /home/ada/project/target", "rm -rf /etc/nginx/sites-enabled/old",
    "rm -rf '*'", "rm -rf '~'", "rm -rf \\~", "rm -rf '$HOME'", "rm -rf \"~/\"", "rm -rf a/..", "rm -rf ./a/../b", "rm -rf '/*x'",
    "find . -name '*.pyc' -delete", "find . -delete", "find /tmp -name 'x*' -exec rm -rf {} +", "find . -type d -name target -exec rm -rf {} +",
    "find / -name core -print", "find ~ -name '*.bak' -delete", "find . -name '*.o' | xargs rm -f", "find / -name x 2>/dev/null",
    "find ~/project -type f -mtime +30 -exec rm {} \\;", "ls | xargs -n1 echo rm -rf", "echo / | xargs ls", "echo a b | xargs rm -rf", "xargs rm -rf < list",
    "git clean -ffdx", "git clean -ffdx /", "git rm -r --cached .", "git rm -rf old", "docker run --rm -it image ls /", "docker rm -f box",
    "curl -fsSL https://example.org/install.sh | sh", "curl https://example.org | sudo bash -s -- -y", "wget -qO- https://example.org | bash",
    "cd /tmp && rm -rf *", "cd build && rm -rf *", "cd /usr/src/app && rm -rf dist", "cd .. && rm -rf build", "cd ../other && rm -rf *", "cd \"$(dirname \"$0\")/..\" && rm -rf build",
    "(cd / && ls); rm -rf *.tmp", "(cd / && ls); rm -rf *", "cd / && ls", "cd ~ && ls -la", "cd - && rm -rf *",
    "x=/tmp/a; rm -rf \"$x\"", "for d in a b c; do rm -rf \"$d/target\"; done", "for f in *; do echo \"$f\"; done", "x=/; ls $x", "x=$(rm --help)",
    "if [ -d build ]; then rm -rf build; fi", "[[ -d /usr && $x > 1 ]] && echo yes", "while read -r f; do rm -rf \"$f\"; done < list", "((i++)); echo $i", "test -e /dev/sda && echo disk",
    "case $1 in clean) rm -rf build ;; *) echo rm -rf / ;; esac", "f() { rm -rf build; }; f", "fact() { fact $(($1 - 1)); }; fact 3", "walk() { for d in */; do walk \"$d\"; done; }",
    "dd if=/dev/zero of=disk.img bs=1M count=10", "dd if=/dev/sda of=backup.img", "dd if=/dev/urandom of=/dev/null count=1", "mkfs.ext4 disk.img", "mkfs.ext4 -V", "cat /dev/sda | head -c 512 > mbr",
    "wipefs /dev/sda", "wipefs -n -a /dev/sda", "shred -u secret.txt", "truncate -s 0 log.txt", "lsblk /dev/sda", "fdisk -l /dev/sda", "parted /dev/sda print",
    "echo x > /dev/null", "make 2>/dev/null", "make >/dev/null 2>&1", "echo x > /dev/stderr", "echo x > /dev/tty", "cat < /dev/sda > x", "ls &> /dev/null", "cp /dev/null log.txt", "tee /dev/stderr",
    "chmod -R 755 build", "chmod +x run.sh", "chmod 755 /", "chown -R ada:ada ~/project", "chown -R ada ~", "sudo chown -R $(whoami) /usr/local", "chmod -R u+w ../other", "chmod 644 /etc/hosts",
    "mv a b", "mv ../a .", "mv ../* .", "mv ~/a ~/b", "mv /tmp/x /usr/local/bin/x", "mv *.txt /tmp", "rsync -a src/ dest/", "rsync -a --delete src/ ~/backup/", "rsync -a / /mnt/backup",
    "sudo -l", "sudo", "env", "env X=1", "command -v rm", "time", "timeout 5", "bash", "bash -c", "sh script.sh -rf /", "eval", "nohup", "xargs", "bash -c 'echo rm -rf /'", "sh -c 'rm -rf \"$1\"' x /tmp/y",
    "ssh box 'rm -rf /tmp/x'", "ssh box", "echo done > 'rm -rf /'", "alias ll='ls -l'", "npm run clean -- --force /", "cargo clean", "make clean", "psql -c 'drop table x'", "echo a | tr a b", "echo ${#x} ${!y} ${z//a/b}",
    "awk '{ print $1 }' file", "sed -i 's/rm -rf \\//x/' file", "echo \"it's fine\" && ls", "echo 'a'\\''b'", "jq '.a | .b' x.json", "test \"$(id -u)\" = 0 || exit 1",
    "echo \"unfinished", "echo 'unfinished", "echo $(unfinished", "echo `unfinished", "cat <<EOF\nunfinished rm -rf /", "((", "))", ")", "{ }", "}", ";;", "&&", "||", "|", "<", ">", "<<", "<<<", "$", "${", "$(", "\\",
];

#[test]
fn what_would_destroy_is_stopped() {
    let missed: Vec<_> =
        DANGEROUS.iter().filter(|command| judge(command, HOME) == Verdict::Harmless).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn what_harms_nobody_is_let_through() {
    let judged = HARMLESS.iter().map(|command| (command, judge(command, HOME)));
    let wrong: Vec<_> = judged.filter(|(_, verdict)| *verdict != Verdict::Harmless).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_reason_says_what_would_be_lost() {
    for (command, part) in [
        ("rm -rf /", "everything, from the root"),
        ("rm -rf ~/*", "the home folder /home/ada"),
        ("rm -rf /usr/*", "/usr, which the system needs"),
        ("rm -rf ..", "above the working folder"),
        ("dd of=/dev/sda", "the device /dev/sda"),
        (":(){ :|:& };:", "again and again"),
        ("x=(/ $y); mkfs \"${x[@]}\"", "over …"),
    ] {
        let Verdict::Dangerous(danger) = judge(command, HOME) else { panic!("{command}") };
        assert!(danger.reason().contains(part), "{command}: {}", danger.reason());
    }
}

#[test]
fn the_folder_where_it_runs_counts_where_it_is_known() {
    for (command, folder, dangerous) in [
        ("rm -rf *", "/home/ada", true),
        ("rm -rf .", "/", true),
        ("rm -rf ./*", "/usr", true),
        ("rm -rf ../../usr", "/tmp/x", true),
        ("rm -rf *", "/home/ada/project", false),
        ("rm -rf ../ada", "/home/eve", true),
        ("rm -rf build", "/home/ada", false),
    ] {
        let verdict = judge_in(command, HOME, Some(folder));
        assert_eq!(verdict != Verdict::Harmless, dangerous, "{command} in {folder}: {verdict:?}");
    }
}

#[test]
fn without_a_home_nothing_is_guessed() {
    assert_ne!(judge("rm -rf /", ""), Verdict::Harmless);
    assert_eq!(judge("rm -rf ~/x", ""), Verdict::Harmless);
    assert_ne!(judge("rm -rf /data/users", "/data/users/ada"), Verdict::Harmless);
}

#[test]
fn what_multiplies_itself_or_nests_without_end_comes_to_an_end() {
    let doubling: String = (0..60).map(|n| format!("x{}=$x{n}$x{n};", n + 1)).collect();
    let braces = "{a,b}".repeat(2_000);
    for part in [
        "(",
        "$(",
        "`",
        "((",
        "$((",
        "{",
        "{ ",
        "\"",
        "'",
        "\\",
        "<<A\n",
        "<(",
        "a=(",
        "${",
        "${x:-",
        "eval ",
        "xargs ",
        "sudo ",
        "sh -c \"",
        "find -exec ",
        "f() { ",
        "case x in ",
        "!(",
        "for ",
        "{a,",
        "[",
        "*",
        "a|",
        "&",
        "x=$x$x;",
        "$'",
        "if ",
        "(( ",
        "echo $(",
        "env -S ",
        ") ",
        "} ",
    ] {
        _ = judge(&part.repeat(3_000), HOME);
        _ = judge(&format!("{}{}", part.repeat(500), ") } \" ' ` esac fi".repeat(200)), HOME);
    }
    _ = judge(&format!("x0=aaaaaaaa;{doubling} rm -rf $x60"), HOME);
    _ = judge(&format!("rm -rf {braces}"), HOME);
    _ = judge(&format!("x=\"{}\"; rm -rf $x$x$x$x", "/ ".repeat(100_000)), HOME);
    _ = judge(
        &format!("for x in {{a,b,c,d}}{{a,b,c,d}}; do {} done", "rm $x$x$x;".repeat(2_000)),
        HOME,
    );
}

proptest! {
    #[test]
    fn any_text_is_judged(text in ".{0,400}") {
        _ = judge(&text, HOME);
    }

    #[test]
    fn any_row_of_what_means_something_is_judged(
        parts in proptest::collection::vec(proptest::sample::select(&[
            "rm", " -rf ", "/", "~", "$HOME", "\"", "'", "\\", "$(", ")", "`", "(", "{", "}", ";",
            "|", "&", "&&", "<<E", "\nE\n", "\n", "<", ">", "$", "${", "x=", "$x", "*", "[", "]",
            "for x in ", "do ", "done", "case ", "esac", " in ", "f() ", "eval ", "bash -c ",
            "xargs ", "find ", "-exec ", "{}", ",", "..", "cd ", "#", "((", "))", " ", "é", "\u{e000}",
        ][..]), 0..60),
    ) {
        let text: String = parts.concat();
        _ = judge(&text, HOME);
        // Whatever stands before it, a command on a line of its own is seen, unless a quote or a
        // document swallows it.
        _ = judge(&format!("{text}\nrm -rf /"), "");
    }
}

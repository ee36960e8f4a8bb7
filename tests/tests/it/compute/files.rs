//! A script's files are those of its workspace, and what it makes there is the user's.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use oriel_tests::scripts::{command, home_with, run, work};

#[test]
fn files_are_read_and_written_in_the_workspace() {
    let home = home_with(&[
        ("in.txt", "21"),
        (
            "copy.m",
            "x = str2double(fileread('in.txt')); mkdir('made'); \
             fid = fopen('made/out.txt', 'w'); fprintf(fid, '%d', 2 * x); fclose(fid);",
        ),
    ]);
    _ = run(&home, &["run", "copy.m"]).done();
    assert_eq!(std::fs::read_to_string(work(&home, "made/out.txt")).unwrap(), "42");
    // The folder is one that is named, or the script's own.
    std::fs::remove_dir_all(work(&home, "made")).unwrap();
    let mut elsewhere = command(&home, &["run", "../work/copy.m"]);
    elsewhere.current_dir(home.path("tmp"));
    _ = home.run(elsewhere).done();
    assert_eq!(std::fs::read_to_string(work(&home, "made/out.txt")).unwrap(), "42");
    std::fs::create_dir(home.path("other")).unwrap();
    let finished = run(&home, &["run", "copy.m", "--workspace", "../other"]);
    assert!(finished.failed(1).contains("does not lie in"), "{finished:?}");

    std::fs::remove_dir_all(work(&home, "made")).unwrap();
    let finished = run(&home, &["run", "copy.m", "--read-only"]);
    assert!(!work(&home, "made").exists(), "{finished:?}");
}

#[test]
fn no_path_leads_out_of_it() {
    let home = home_with(&[]);
    std::fs::write(home.path("secret.txt"), "secret words").unwrap();
    symlink("../secret.txt", work(&home, "link.txt")).unwrap();
    symlink("..", work(&home, "up")).unwrap();
    let absolute = home.path("secret.txt").display().to_string();
    for path in ["../secret.txt", "link.txt", "up/secret.txt", &absolute, "/etc/passwd"] {
        let script = format!(
            "disp(fopen('{path}', 'r')); fid = fopen('{path}', 'w'); if fid >= 0, fprintf(fid, 'x'); \
             fclose(fid); end\nx = fileread('{path}')\n"
        );
        std::fs::write(work(&home, "out.m"), script).unwrap();
        let finished = run(&home, &["run", "out.m"]);
        assert!(finished.stdout.starts_with("-1"), "{path}: {finished:?}");
        let said = finished.failed(1);
        assert!(!said.contains("secret words") && !said.contains("root:"), "{path}: {said}");
    }
    assert_eq!(std::fs::read_to_string(home.path("secret.txt")).unwrap(), "secret words");
    // A script that lies outside by a link is none of the workspace.
    std::fs::write(home.path("outer.m"), "disp(1)").unwrap();
    symlink("../outer.m", work(&home, "inner.m")).unwrap();
    let finished = run(&home, &["run", "inner.m", "--workspace", "."]);
    assert!(finished.failed(1).contains("does not lie in"), "{finished:?}");
}

#[test]
fn what_a_script_makes_has_the_umask_of_whoever_runs_it() {
    let home = home_with(&[(
        "make.m",
        "fid = fopen('a.txt', 'w'); fprintf(fid, 'x'); fclose(fid); mkdir('sub');",
    )]);
    let plain = command(&home, &["run", "make.m"]);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "umask 027; exec \"$@\"", "sh"]).arg(plain.get_program());
    shell.args(plain.get_args()).current_dir(work(&home, "")).env_clear();
    shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    _ = home.run(shell).done();
    let mode = |name: &str| work(&home, name).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("a.txt"), mode("sub")), (0o640, 0o750));
}

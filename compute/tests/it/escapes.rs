//! A script reaches nothing but its workspace: no other file, no program, no network.

use std::net::TcpListener;
use std::os::unix::fs::symlink;

use oriel_wire::compute::Outcome;

use crate::driver::Session;

#[test]
fn no_path_leads_out() {
    let outer = tempfile::tempdir().unwrap();
    let at = outer.path().join("workspace");
    std::fs::create_dir(&at).unwrap();
    let secret = outer.path().join("secret.txt");
    std::fs::write(&secret, "secret words").unwrap();
    symlink("../secret.txt", at.join("link.txt")).unwrap();
    symlink("..", at.join("up")).unwrap();
    symlink("/etc", at.join("etc")).unwrap();
    symlink("/proc/self/root", at.join("magic")).unwrap();
    let secret_name = secret.display();
    let mut session = Session::start(&at, &[]);
    for path in [
        "../secret.txt",
        "link.txt",
        "up/secret.txt",
        "etc/passwd",
        "/etc/passwd",
        "magic/etc/passwd",
        "sub/../../secret.txt",
        "/proc/self/environ",
        "/proc/self/cwd/secret.txt",
        "file:///etc/passwd",
        &secret_name.to_string(),
    ] {
        let told = session.prints(&format!("fid = fopen('{path}', 'r'); disp(fid);"));
        assert!(told.contains("-1"), "{path}: {told}");
        for script in [
            format!("x = fileread('{path}')"),
            format!("load('{path}')"),
            format!("x = readmatrix('{path}')"),
            format!("run('{path}')"),
            format!("copyfile('{path}', 'stolen.txt')"),
        ] {
            let ran = session.run(&script);
            let all = format!("{ran:?}");
            assert!(!all.contains("secret words") && !all.contains("root:"), "{script}: {all}");
        }
        session.run(&format!("delete('{path}')"));
        session.run(&format!("fid = fopen('{path}', 'w'); fprintf(fid, 'x'); fclose(fid);"));
        session.run(&format!("movefile('{path}', 'taken.txt')"));
    }
    for folder in ["..", "up", "/", "/etc", "etc", "magic"] {
        session.run(&format!("cd('{folder}')"));
        let told = session.prints("disp(pwd)");
        assert!(told.contains("workspace"), "cd {folder}: {told}");
        let ran = session.run(&format!("d = dir('{folder}'); disp({{d.name}}); ls('{folder}')"));
        assert!(!format!("{ran:?}").contains("passwd"), "dir {folder}");
        session.run(&format!("rmdir('{folder}', 's')"));
        session.run(&format!("addpath('{folder}')"));
    }
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "secret words");
    let left: Vec<_> = std::fs::read_dir(outer.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    for name in ["stolen.txt", "taken.txt"] {
        let text = std::fs::read_to_string(at.join(name)).unwrap_or_default();
        assert!(!text.contains("secret words") && !text.contains("root:"), "{name}: {text}");
    }
}

#[test]
fn no_program_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    for script in [
        "system('touch made')",
        "[s, w] = unix('touch made')",
        "dos('touch made')",
        "shell('touch made')",
        "!touch made",
        "web('http://127.0.0.1/')",
        "open('made')",
        "setenv('PATH', '/bin'); system('touch made')",
        "eval('system(''touch made'')')",
        "feval('system', 'touch made')",
        "pyrun('open(\"made\", \"w\")')",
    ] {
        let ran = session.run(script);
        assert_ne!(ran.outcome, Outcome::Completed, "{script}: {ran:?}");
    }
    assert!(!folder.path().join("made").exists());
}

#[test]
fn no_network_is_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    for script in [
        format!("t = tcpclient('127.0.0.1', {port});"),
        "s = tcpserver('127.0.0.1', 0);".to_owned(),
        format!("x = webread('http://127.0.0.1:{port}/');"),
        format!("x = webwrite('http://127.0.0.1:{port}/', 'a');"),
        format!("x = imread('http://127.0.0.1:{port}/a.png');"),
        format!("websave('a', 'http://127.0.0.1:{port}/');"),
    ] {
        let ran = session.run(&script);
        assert_eq!(ran.outcome, Outcome::Failed, "{script}: {ran:?}");
    }
    assert!(listener.accept().is_err(), "somebody came");
    assert!(session.prints("disp(1)").contains('1'), "and the session goes on");
}

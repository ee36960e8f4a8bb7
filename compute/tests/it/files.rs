//! Scripts read and write files of their workspace as if nothing were in between.

use std::path::Path;

use oriel_wire::compute::Outcome;

use crate::driver::Session;

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn what_one_function_writes_another_reads() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let mut session = Session::start(at, &[]);
    session.prints(
        "fid = fopen('a.txt', 'w'); for i = 1:3, fprintf(fid, '%d\\n', i); end; fclose(fid);",
    );
    assert_eq!(read(at, "a.txt"), "1\n2\n3\n");
    session.prints("fid = fopen('a.txt', 'a'); fprintf(fid, 'four\\n'); fclose(fid);");
    assert_eq!(read(at, "a.txt"), "1\n2\n3\nfour\n");
    let told = session.prints(
        "fid = fopen('a.txt', 'r'); l = fgetl(fid); fclose(fid); disp(l); disp(numel(fileread('a.txt')));",
    );
    assert_eq!(told.split_whitespace().collect::<Vec<_>>(), ["1", "11"]);
    // Read and written in turns through one handle, and asked for by name while it is open.
    session.prints(
        "fid = fopen('b.bin', 'w+'); fwrite(fid, uint8(1:10)); frewind(fid); a = fread(fid, 3, 'uint8'); \
         d = dir('b.bin'); n = d.bytes; fclose(fid);",
    );
    let told = session.prints("fprintf('%d %d\\n', sum(a), n);");
    assert_eq!(told.trim(), "6 10");
    session.prints("mkdir('sub'); x = 1:5; save('sub/x.mat', 'x'); clear x; load('sub/x.mat');");
    assert!(session.prints("disp(sum(x))").contains("15"));
    session
        .prints("movefile('a.txt', 'sub/c.txt'); delete('b.bin'); copyfile('sub/c.txt', 'd.txt');");
    assert!(read(at, "sub/c.txt").ends_with("four\n") && read(at, "d.txt").starts_with("1\n"));
    assert!(!at.join("b.bin").exists() && !at.join("a.txt").exists());
    session.prints("cd('sub'); fid = fopen('here.txt', 'w'); fclose(fid);");
    assert!(at.join("sub/here.txt").exists());
}

#[test]
fn what_a_script_never_closed_is_in_the_file_at_the_end_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    session.prints("fid = fopen('a.txt', 'w'); fprintf(fid, 'held back');");
    assert_eq!(read(folder.path(), "a.txt"), "held back");
    session.prints("fprintf(fid, ', and more');");
    session.hang_up();
    assert!(session.ended().success());
    assert_eq!(read(folder.path(), "a.txt"), "held back, and more");
}

#[test]
fn a_large_file_is_read_right_at_every_place() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> =
        (0..3_000_000_u32).map(|at| at.wrapping_mul(2_654_435_761) as u8).collect();
    std::fs::write(folder.path().join("large.bin"), &bytes).unwrap();
    let sum: u64 = bytes.iter().map(|byte| u64::from(*byte)).sum();
    let mut session = Session::start(folder.path(), &[]);
    let told = session.prints(
        "fid = fopen('large.bin', 'r'); a = fread(fid, Inf, 'uint8'); fclose(fid); \
         fprintf('%d %.0f %d %d\\n', numel(a), sum(a), a(1500001), a(end));",
    );
    let expected = format!("3000000 {sum} {} {}", bytes[1_500_000], bytes[2_999_999]);
    assert_eq!(told.trim(), expected);
}

#[test]
fn nothing_is_written_where_scripts_may_only_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.txt"), "one").unwrap();
    let mut session = Session::start(folder.path(), &["--read-only"]);
    assert!(session.prints("disp(fileread('a.txt'))").contains("one"));
    for script in ["delete('a.txt')", "mkdir('sub')", "movefile('a.txt', 'b')"] {
        session.run(script);
    }
    assert_eq!(session.run("x = 1; save('x.mat', 'x')").outcome, Outcome::Failed);
    let told = session.prints("fid = fopen('a.txt', 'w'); disp(fid);");
    assert!(told.contains("-1"), "{told}");
    assert_eq!(read(folder.path(), "a.txt"), "one");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn new_files_get_the_umask_that_the_process_is_told() {
    use std::os::unix::fs::PermissionsExt as _;

    let (folder, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let kept_in = kept.path().to_str().unwrap();
    let mut session = Session::start(folder.path(), &["--umask", "0002", "--replay", kept_in]);
    session
        .prints("x = 1; fid = fopen('a.txt', 'w'); fprintf(fid, 'x'); fclose(fid); mkdir('sub');");
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("a.txt")), 0o664);
    assert_eq!(mode(&folder.path().join("sub")), 0o775);
    assert_eq!(mode(&kept.path().join("variables.replay")), 0o600, "ours is private all the same");
}

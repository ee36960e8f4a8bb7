//! Variables and figures are listed and shown in parts, and are forgotten when told to.

use oriel_wire::compute::{Answer, Cell, Code, Event, Request};

use crate::driver::Session;

fn cells(session: &mut Session, name: &str, start: &[u64], shape: &[u64]) -> Vec<Cell> {
    let (start, shape) = (start.to_vec(), shape.to_vec());
    match session.ask(Request::Value { name: name.to_owned(), start, shape }) {
        Answer::Value(value) => value.cells,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn variables_have_a_class_a_shape_and_a_preview() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    session.prints(
        "m = [1 2 3; 4 5 6]; t = 'text'; l = [true false]; c = {1, 'b'}; \
         s = struct('a', 1, 'b', 'two'); n = [NaN Inf]; z = 1 + 2i; e = []; u = uint8(200);",
    );
    let Answer::Variables { variables, more } = session.ask(Request::Variables) else { panic!() };
    assert_eq!(more, 0);
    let about: Vec<_> = variables
        .iter()
        .map(|it| (it.name.as_str(), it.class.as_str(), it.shape.as_slice(), it.preview.as_str()))
        .collect();
    let expected: [(&str, &str, &[u64], &str); 9] = [
        ("c", "cell", &[1, 2], "1 b"),
        ("e", "double", &[0, 0], ""),
        ("l", "logical", &[1, 2], "1 0"),
        ("m", "double", &[2, 3], "1 4 2 5 3 6"),
        ("n", "double", &[1, 2], "NaN Inf"),
        ("s", "struct", &[1, 1], "fields: a, b"),
        ("t", "char", &[1, 4], "text"),
        ("u", "uint8", &[1, 1], "200"),
        ("z", "double", &[1, 1], "1+2i"),
    ];
    assert_eq!(about, expected);
    let number = Cell::Number;
    assert_eq!(cells(&mut session, "m", &[1, 1], &[1, 2]), [number(5.0), number(6.0)]);
    assert_eq!(cells(&mut session, "s.b", &[], &[]).len(), 3);
    assert_eq!(cells(&mut session, "l", &[], &[]), [Cell::Truth(true), Cell::Truth(false)]);
    assert_eq!(cells(&mut session, "e", &[], &[]), []);
    for (name, start) in
        [("none", vec![]), ("m", vec![3, 0]), ("m", vec![0, 0, 0]), ("s.c", vec![])]
    {
        let answer = session.ask(Request::Value { name: name.into(), start, shape: vec![] });
        assert!(matches!(answer, Answer::Failed(failed) if failed.code == Code::NotFound));
    }
}

#[test]
fn a_figure_is_described_to_be_drawn_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    session.prints("plot([1 2 3], [4 9 16]); title('Squares');");
    let figures = session.wait_for(|event| match event {
        Event::Figures { figures, changed } if !changed.is_empty() => Some(figures.clone()),
        _ => None,
    });
    assert_eq!(figures.len(), 1, "{figures:?}");
    assert_eq!((figures[0].title.as_str(), figures[0].plots), ("Squares", 1));
    let figure = figures[0].figure;
    let Answer::Figure { scene, .. } = session.ask(Request::Figure { figure }) else { panic!() };
    assert_eq!(scene["plots"].as_array().map(Vec::len), Some(1), "{scene}");
    assert!(scene.to_string().contains("16"), "{scene}");
    let none = session.ask(Request::Figure { figure: 99 });
    assert!(matches!(none, Answer::Failed(failed) if failed.code == Code::NotFound));
    assert_eq!(session.ask(Request::Reset), Answer::Done);
    let Answer::Figures { figures } = session.ask(Request::Figures) else { panic!() };
    assert_eq!(figures, []);
}

#[test]
fn a_reset_forgets_everything_and_the_session_still_stops_loops() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::start(folder.path(), &[]);
    session.prints("x = 1; fid = fopen('open.txt', 'w'); fprintf(fid, 'held back');");
    assert_eq!(session.ask(Request::Reset), Answer::Done);
    let Answer::Variables { variables, .. } = session.ask(Request::Variables) else { panic!() };
    assert_eq!(variables, []);
    let text = std::fs::read_to_string(folder.path().join("open.txt")).unwrap();
    assert_eq!(text, "held back");
    session.begin_run("while true, y = 1; end");
    session.ask(Request::Interrupt);
    assert_eq!(session.finish().outcome, oriel_wire::compute::Outcome::Interrupted);
}

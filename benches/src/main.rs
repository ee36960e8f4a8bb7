//! The program `oriel-bench`: what is asked for on the command line becomes a plan and a report.
#![expect(clippy::print_stdout, reason = "the report is the program's output")]

mod args;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::ToSocketAddrs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use clap::Parser;
use oriel_bench::clock::Clock;
use oriel_bench::events::{Events, Style};
use oriel_bench::load::{Load, Until};
use oriel_bench::machine::Machine;
use oriel_bench::report::Report;
use oriel_bench::requests::Requests;
use oriel_bench::{console, gateway as gateway_bench, ingest, read, start, stream, sync};

use crate::args::{Args, Command, LoadArgs};

#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
fn main() -> anyhow::Result<()> {
    let clock = Clock::set_to(SystemTime::now());
    let measured = match Args::parse().command {
        Command::Ingest { common, events, ingest } => {
            let (bench, mut report) = common.bench(clock)?;
            let result = ingest::run(&bench, &ingest.plan(events), &mut report);
            (report, common.json, result)
        }
        Command::Read { common, events, filling, read } => {
            let (bench, mut report) = common.bench(clock)?;
            let result = read::run(&bench, &read.plan(filling, events), &mut report);
            (report, common.json, result)
        }
        Command::Stream { common, events, stream } => {
            let (bench, mut report) = common.bench(clock)?;
            let result = stream::run(&bench, &stream.plan(events), &mut report);
            (report, common.json, result)
        }
        Command::Start { common, events, filling, start } => {
            let (bench, mut report) = common.bench(clock)?;
            let result = start::run(&bench, &start.plan(filling, events), &mut report);
            (report, common.json, result)
        }
        Command::Console { common, events, console } => {
            let (bench, mut report) = common.bench(clock)?;
            let result = console::run(&bench, &console.plan(events), &mut report);
            (report, common.json, result)
        }
        Command::Gateway { common, gateway } => {
            let (bench, mut report) = common.bench(clock)?;
            let result = gateway_bench::run(&bench, &gateway.plan(), &mut report);
            (report, common.json, result)
        }
        Command::Sync { common, sync } => {
            let (bench, mut report) = common.bench(clock)?;
            let result = sync::run(&bench, &sync.plan(), &mut report);
            (report, common.json, result)
        }
        Command::All { common, events, filling, ingest, read, stream, start } => {
            let (bench, mut report) = common.bench(clock)?;
            let result = ingest::run(&bench, &ingest.plan(events), &mut report)
                .and_then(|()| read::run(&bench, &read.plan(filling, events), &mut report))
                .and_then(|()| stream::run(&bench, &stream.plan(events), &mut report))
                .and_then(|()| start::run(&bench, &start.plan(filling, events), &mut report));
            (report, common.json, result)
        }
        Command::Load(args) => (put_load(clock, &args)?, args.json, Ok(())),
    };
    let (report, json, result) = measured;
    // What was measured before a failure is worth as much as without it.
    print!("{report}");
    if let Some(path) = json {
        write_json(&report, &path)?;
    }
    result.context("the measurement is not complete")
}

fn put_load(clock: Clock, args: &LoadArgs) -> anyhow::Result<Report> {
    let host = args.url.trim_start_matches("http://").trim_end_matches('/');
    let addr = host
        .to_socket_addrs()
        .with_context(|| format!("{} is not of the form http://HOST:PORT", args.url))?
        .next()
        .with_context(|| format!("{host} has no address"))?;
    let style = Style {
        tag: clock.tag(),
        sessions: args.events.sessions,
        scatter_before: args.scatter.then(|| clock.now()),
    };
    let mut requests = Requests::new(Events::new(style), host);
    let ids = requests.ids();
    let mut acked = match &args.acked {
        Some(path) => {
            let file = File::create(path);
            Some(BufWriter::new(file.with_context(|| format!("cannot make {}", path.display()))?))
        }
        None => None,
    };
    let span = Until::Elapsed(args.span());
    let load = Load {
        addr,
        connections: args.connections(),
        batch: args.batch,
        warm_up: Duration::ZERO,
        until: args.count.map_or(span, Until::Events),
    };
    let outcome = load.run(&mut requests, &mut |numbers| {
        let Some(acked) = &mut acked else { return Ok(()) };
        numbers.into_iter().try_for_each(|number| writeln!(acked, "{}", ids.text(number)))
    });
    // Also after a failure, the file is to hold whatever was acknowledged.
    if let Some(mut acked) = acked {
        acked.flush().context("cannot write the acknowledged ids")?;
    }
    let mut report = Report::new(Machine::find(clock.now(), Path::new("."), None));
    ingest::record_load(&mut report, args.connections(), args.batch, &outcome?);
    Ok(report)
}

fn write_json(report: &Report, path: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut file = BufWriter::new(File::create(path).with_context(cannot)?);
    serde_json::to_writer_pretty(&mut file, report).with_context(cannot)?;
    file.write_all(b"\n").and_then(|()| file.flush()).with_context(cannot)
}

//! Questions a second: `docent batch`, the same questions one by one over MCP, and the encoder alone.
//!
//! Corpus: docent's manual. Questions: its own sentences of 5 to 24 words, in their order. The default model has
//! to be there (`docent pull`). Each round runs all three one after the other, and the ratios are medians over
//! the rounds, since machines are noisy. `docent batch` is timed as a whole, its start and the loading of the model
//! included; the server from its second answer on. The bound is what no batch can pass: the tokenizer and ONNX
//! Runtime with one session of one thread for each core, and no search.
//!
//! `cargo bench --bench batch -- [ROUNDS] [QUESTIONS]`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and ends where it cannot go on"
)]

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use docent::embedding::catalog::Catalog;
use docent::embedding::store::ModelStore;
use docent::embedding::{Embedder, OnnxEmbedder, Role, Threads};
use serde_json::{Value, json};

const DOCENT: &str = env!("CARGO_BIN_EXE_docent");
const LIMIT: usize = 5;

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let (rounds, most) = (numbers.first().copied().unwrap_or(5), numbers.get(1).copied().unwrap_or(1_000));
    let folder = tempfile::tempdir().unwrap();
    let questions = questions(Path::new("docs"), most);
    let file = folder.path().join("questions.txt");
    std::fs::write(&file, questions.join("\n")).unwrap();
    let index = folder.path().join("index");
    run(docent(&["index", "docs", "-q"], &index));
    let embedder = encoder();
    let mut rates: Vec<[f64; 3]> = Vec::new();
    for _ in 0..rounds {
        let batch = rate(questions.len(), || batch(&file, &index));
        let over_mcp = over_mcp(&questions, &index);
        let bound = rate(questions.len(), || encode_all(&embedder, &questions));
        println!(
            "batch {batch:7.1}   one by one over MCP {over_mcp:7.1}   encoder alone {bound:7.1}   questions/s"
        );
        rates.push([batch, over_mcp, bound]);
    }
    let middle = |value: &dyn Fn(&[f64; 3]) -> f64| median(rates.iter().map(value).collect());
    println!("questions                 {}", questions.len());
    println!("cores                     {}", embedder.parallelism());
    println!("batch, questions/s        {:.1}", middle(&|rates| rates[0]));
    println!("over MCP, questions/s     {:.1}", middle(&|rates| rates[1]));
    println!("encoder alone, texts/s    {:.1}", middle(&|rates| rates[2]));
    println!("batch / over MCP          {:.2}", middle(&|rates| rates[0] / rates[1]));
    println!("batch / encoder alone     {:.2}", middle(&|rates| rates[0] / rates[2]));
}

/// Sentences of the manual, as far as `most`; the same again where there are fewer.
fn questions(manual: &Path, most: usize) -> Vec<String> {
    let mut files: Vec<_> = std::fs::read_dir(manual).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    let text: String = files.iter().map(|path| std::fs::read_to_string(path).unwrap() + "\n\n").collect();
    let paragraphs = text.split("\n\n").filter(|paragraph| paragraph.starts_with(char::is_alphabetic));
    let sentences: Vec<String> = paragraphs
        .flat_map(|paragraph| paragraph.split(['.', ':', ';']))
        .map(|sentence| sentence.split_whitespace().collect::<Vec<_>>())
        .filter(|words| (5..=24).contains(&words.len()))
        .map(|words| words.join(" "))
        .collect();
    sentences.iter().cycle().take(most).cloned().collect()
}

fn docent(arguments: &[&str], index: &Path) -> Command {
    let mut command = Command::new(DOCENT);
    command.args(arguments).arg("--index").arg(index);
    command
}

fn run(mut command: Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

fn encoder() -> OnnxEmbedder {
    let store = ModelStore::new(PathBuf::from("models"));
    let spec = Catalog::builtin().default_model();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (files, runtime) = (store.files(spec).unwrap(), store.runtime().unwrap());
    OnnxEmbedder::load(spec, &files, &runtime, Threads::for_throughput(cores)).unwrap()
}

fn batch(questions: &Path, index: &Path) {
    let mut command = docent(&["batch", "-q", "--input-format", "lines"], index);
    command.arg(questions).stdout(Stdio::null());
    run(command);
}

fn encode_all(embedder: &OnnxEmbedder, questions: &[String]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..embedder.parallelism() {
            scope.spawn(|| {
                while let Some(text) = questions.get(next.fetch_add(1, Ordering::Relaxed)) {
                    black_box(embedder.encode(text, Role::Query).unwrap());
                }
            });
        }
    });
}

/// Questions a second of a client that waits for each answer before it asks again.
fn over_mcp(questions: &[String], index: &Path) -> f64 {
    let mut server = Server::start(index);
    server.ask(&questions[0]);
    let rate = rate(questions.len(), || {
        for question in questions {
            let answer = server.ask(question);
            assert_eq!(answer["structuredContent"].get("degraded"), None, "{answer}");
        }
    });
    drop(server.input);
    server.process.wait().unwrap();
    rate
}

/// `docent serve`, spoken to in lines.
struct Server {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    requests: u64,
}

impl Server {
    fn start(index: &Path) -> Self {
        let mut command = docent(&["serve"], index);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let mut server = Self { process, input, output: BufReader::new(output), requests: 0 };
        let client = json!({"name": "bench", "version": "0"});
        server.request(
            "initialize",
            &json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}),
        );
        server.line(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        // Until the model is there, words alone are compared.
        while server.ask("is the model there?")["structuredContent"].get("degraded").is_some() {}
        server
    }

    fn ask(&mut self, question: &str) -> Value {
        let arguments = json!({"query": question, "limit": LIMIT});
        self.request("tools/call", &json!({"name": "search", "arguments": arguments}))
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.line(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server has ended");
            let mut message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id {
                return message["result"].take();
            }
        }
    }

    fn line(&mut self, message: &Value) {
        writeln!(self.input, "{message}").unwrap();
    }
}

fn rate(questions: usize, work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    questions as f64 / started.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

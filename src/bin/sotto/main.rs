//! `sotto`, the command line: one file per command, this one only chooses between them. It never computes anything.

use std::process::ExitCode;

mod classify;
mod eval;
mod eval_likeness;
mod eval_pictures;
mod eval_verdicts;
mod eval_why;
mod models;
mod models_check;
mod models_wider;
mod pack;

const HELP: &str = "\
Usage: sotto COMMAND

  classify TEXT | -  [--json]                   judge a text (- reads it from standard input)
  classify --image FILE [--json]                judge a picture
  eval --tsv FILE [--model ID] [--json]         measure a text model on labelled sentences: two classes (0 negative,
       [--ways 2|3]                             1 positive) or three (0, 1 neutral, 2); without labels, print shares
  eval --tsv FILE --verdicts | --list           what a person is told of each text, and how often what is claimed is true
  eval --pictures FOLDER                        count warnings of benign pictures, and compare with others' scores
  eval --likeness FOLDER                        count pictures that are known again, and any that is taken for another
  eval --tsv FILE --why                         measure how well words are told that pushed a verdict
  pack distilbert DIR -o FILE [--name NAME]     pack a Hugging Face DistilBERT classifier
  pack nsfwjs DIR -o FILE [--model MODEL]       pack a model of the unpacked npm package nsfwjs
  pack open-nsfw FILE -o FILE [--name NAME]     pack Yahoo's open_nsfw, as ONNX
  pack pictures FIRST SECOND -o FILE            join a packed nsfwjs and a packed open_nsfw into the package's model
                                                (mobilenet_v2, the default, or mobilenet_v2_mid)
  models check                                  make the packaged models again from their sources and compare
";

fn main() -> ExitCode {
    let mut arguments = lexopt::Parser::from_env();
    match dispatch(&mut arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sotto: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Anything a command may fail with; its message is one line for a person.
type Failure = Box<dyn std::error::Error>;

fn dispatch(arguments: &mut lexopt::Parser) -> Result<(), Failure> {
    use lexopt::prelude::*;
    match arguments.next()? {
        Some(Value(command)) => match command.to_string_lossy().as_ref() {
            "classify" => classify::run(arguments),
            "eval" => eval::run(arguments),
            "pack" => pack::run(arguments),
            "models" => match arguments.next()? {
                Some(Value(what)) if what == "check" => models_check::run(arguments),
                _ => Err("models has one use: sotto models check".into()),
            },
            other => Err(format!("there is no command \"{other}\"; see sotto --help").into()),
        },
        None | Some(Long("help") | Short('h')) => {
            print!("{HELP}");
            Ok(())
        }
        Some(Long("version") | Short('V')) => {
            println!("sotto {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        Some(other) => Err(other.unexpected().into()),
    }
}

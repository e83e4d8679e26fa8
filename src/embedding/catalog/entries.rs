//! From the text of the catalogue to checked entries: what is missing or cannot be is an error
//! here.

use fastembed::{EmbeddingModel, OutputKey, QuantizationMode, TextEmbedding};
use serde::Deserialize;

use super::{
    CatalogError, FileRole, FileSpec, HubSource, ModelKind, ModelSpec, Pooling, Quantization, RuntimeLibrary,
    RuntimeSpec, ShippedSource, Source, WheelSource, WheelTarget,
};
use crate::embedding::Spreads;
use crate::embedding::digest::Sha256;

/// What the hub calls the newest state of a repository.
const DEFAULT_REVISION: &str = "main";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCatalog {
    pub(super) default: String,
    pub(super) runtime: RawRuntime,
    #[serde(rename = "model")]
    pub(super) models: Vec<RawModel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRuntime {
    name: String,
    version: String,
    python_version: String,
    implementation: String,
    abi: String,
    #[serde(rename = "library")]
    libraries: Vec<RawLibrary>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLibrary {
    os: String,
    arch: String,
    platform: String,
    member: String,
    sha256: Sha256,
    size: u64,
    download_size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawModel {
    name: String,
    fastembed: Option<String>,
    kind: Option<ModelKind>,
    #[serde(default)]
    aliases: Vec<String>,
    description: String,
    dimensions: Option<usize>,
    max_tokens: usize,
    pooling: Option<Pooling>,
    output: Option<String>,
    spreads: Option<Spreads>,
    #[serde(default)]
    query_prefix: String,
    #[serde(default)]
    passage_prefix: String,
    #[serde(default, rename = "file")]
    files: Vec<RawFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    role: FileRole,
    name: String,
    sha256: Sha256,
    size: u64,
    sources: Vec<RawSource>,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum RawSource {
    Wheel { wheel: String, member: String, download_size: Option<u64> },
    Hub { repository: String, path: String, revision: Option<String> },
    Shipped { shipped: String },
}

impl RawRuntime {
    pub(super) fn check(self) -> Result<RuntimeSpec, CatalogError> {
        let requirement = format!("{}=={}", self.name, self.version);
        let target = WheelTarget {
            python_version: self.python_version,
            implementation: self.implementation,
            abi: self.abi,
            platform: String::new(),
        };
        let libraries = self.libraries.into_iter();
        let libraries = libraries.map(|library| library.into_library(&requirement, &target));
        let runtime = RuntimeSpec { libraries: libraries.collect(), name: self.name, version: self.version };
        let plain = runtime.libraries.iter().all(|library| is_plain_name(&library.file.name));
        let plain = plain && is_plain_name(&runtime.folder());
        entry(&runtime.name, plain, "a name that is not a plain file name")?;
        Ok(runtime)
    }
}

impl RawLibrary {
    fn into_library(self, requirement: &str, target: &WheelTarget) -> RuntimeLibrary {
        let target = WheelTarget { platform: self.platform, ..target.clone() };
        let name = base_name(&self.member).to_owned();
        let source = Source::Wheel(WheelSource {
            requirement: requirement.to_owned(),
            member: self.member,
            download_size: Some(self.download_size),
            target: Some(target),
        });
        let file = FileSpec {
            role: FileRole::Library,
            name,
            sha256: Some(self.sha256),
            size: Some(self.size),
            sources: vec![source],
        };
        RuntimeLibrary { os: self.os, arch: self.arch, file }
    }
}

impl RawModel {
    pub(super) fn check(self) -> Result<ModelSpec, CatalogError> {
        entry(&self.name, is_plain_name(&self.name), "a name that is not a plain file name")?;
        entry(&self.name, self.name == self.name.to_lowercase(), "a name that is not in lower case")?;
        entry(&self.name, self.max_tokens > 2, "no room for text between the special tokens")?;
        let is_spread = |value: f32| value.is_finite() && value > 0.0;
        let spreads = self.spreads.unwrap_or_default();
        let are_spreads = is_spread(spreads.dense) && is_spread(spreads.late);
        entry(&self.name, are_spreads, "spreads that are not above 0")?;
        match (self.fastembed.clone(), self.kind) {
            (Some(known), None) => self.known_to_fastembed(&known),
            (None, Some(kind)) => self.written_out(kind),
            _ => Err(CatalogError::Entry {
                model: self.name,
                problem: "either `fastembed` or `kind` is needed",
            }),
        }
    }

    fn known_to_fastembed(self, known: &str) -> Result<ModelSpec, CatalogError> {
        let unknown = || CatalogError::Fastembed { model: self.name.clone(), fastembed: known.to_owned() };
        let model: EmbeddingModel = known.parse().map_err(|_| unknown())?;
        let info = TextEmbedding::get_model_info(&model).map_err(|_| unknown())?;
        entry(&self.name, self.files.is_empty(), "fastembed knows its files: leave them out")?;
        entry(
            &self.name,
            self.dimensions.is_none_or(|n| n == info.dim),
            "other dimensions than fastembed's",
        )?;
        let mut aliases = self.aliases;
        aliases.push(known.to_owned());
        Ok(ModelSpec {
            name: self.name,
            aliases,
            description: self.description,
            kind: ModelKind::Onnx,
            dimensions: info.dim,
            max_tokens: self.max_tokens,
            pooling: pooling_of(&model),
            query_prefix: self.query_prefix,
            passage_prefix: self.passage_prefix,
            output: output_of(info.output_key.as_ref()),
            quantization: quantization_of(&model),
            spreads: self.spreads.unwrap_or_default(),
            files: hub_files(&info.model_code, &info.model_file, &info.additional_files),
        })
    }

    fn written_out(self, kind: ModelKind) -> Result<ModelSpec, CatalogError> {
        let files: Vec<FileSpec> = self.files.into_iter().map(RawFile::into_spec).collect();
        let has = |role| files.iter().filter(|file| file.role == role).count() == 1;
        let complete = match kind {
            ModelKind::Onnx => has(FileRole::Model) && has(FileRole::Tokenizer),
            ModelKind::Hashing => files.is_empty(),
        };
        entry(
            &self.name,
            complete,
            "an ONNX model has one model and one tokenizer, a hashing one has no files",
        )?;
        let plain = files.iter().all(|file| is_plain_name(&file.name) && !file.sources.is_empty());
        entry(&self.name, plain, "a file without a plain name, or without a source")?;
        let Some(dimensions) = self.dimensions.filter(|&n| n > 0) else {
            return Err(CatalogError::Entry { model: self.name, problem: "`dimensions` is missing" });
        };
        Ok(ModelSpec {
            name: self.name,
            aliases: self.aliases,
            description: self.description,
            kind,
            dimensions,
            max_tokens: self.max_tokens,
            pooling: self.pooling.unwrap_or(Pooling::Mean),
            query_prefix: self.query_prefix,
            passage_prefix: self.passage_prefix,
            output: self.output,
            quantization: Quantization::None,
            spreads: self.spreads.unwrap_or_default(),
            files,
        })
    }
}

impl RawFile {
    fn into_spec(self) -> FileSpec {
        FileSpec {
            role: self.role,
            name: self.name,
            sha256: Some(self.sha256),
            size: Some(self.size),
            sources: self.sources.into_iter().map(RawSource::into_source).collect(),
        }
    }
}

impl RawSource {
    fn into_source(self) -> Source {
        match self {
            Self::Wheel { wheel, member, download_size } => {
                Source::Wheel(WheelSource { requirement: wheel, member, download_size, target: None })
            }
            Self::Hub { repository, path, revision } => {
                let revision = revision.unwrap_or_else(|| DEFAULT_REVISION.to_owned());
                Source::Hub(HubSource { repository, revision, path })
            }
            Self::Shipped { shipped } => Source::Shipped(ShippedSource { path: shipped }),
        }
    }
}

fn entry(model: &str, holds: bool, problem: &'static str) -> Result<(), CatalogError> {
    if holds { Ok(()) } else { Err(CatalogError::Entry { model: model.to_owned(), problem }) }
}

/// A name that stays inside the folder it is put in, on every system.
fn is_plain_name(name: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&letter);
    name.starts_with(|first: char| first.is_ascii_alphanumeric()) && name.chars().all(plain)
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The graph goes under one name whatever the repository calls it; the data beside it keeps the
/// name that the graph asks for.
fn hub_files(repository: &str, model_file: &str, additional: &[String]) -> Vec<FileSpec> {
    let file = |role, name: &str, path: &str| FileSpec {
        role,
        name: name.to_owned(),
        sha256: None,
        size: None,
        sources: vec![Source::Hub(HubSource {
            repository: repository.to_owned(),
            revision: DEFAULT_REVISION.to_owned(),
            path: path.to_owned(),
        })],
    };
    let data = additional.iter().map(|path| file(FileRole::Data, base_name(path), path));
    let tokenizer = file(FileRole::Tokenizer, "tokenizer.json", "tokenizer.json");
    [tokenizer, file(FileRole::Model, "model.onnx", model_file)].into_iter().chain(data).collect()
}

fn pooling_of(model: &EmbeddingModel) -> Pooling {
    match TextEmbedding::get_default_pooling_method(model).unwrap_or_default() {
        fastembed::Pooling::Cls => Pooling::Cls,
        fastembed::Pooling::Mean => Pooling::Mean,
    }
}

fn quantization_of(model: &EmbeddingModel) -> Quantization {
    match TextEmbedding::get_quantization_mode(model) {
        QuantizationMode::None => Quantization::None,
        QuantizationMode::Static => Quantization::Static,
        QuantizationMode::Dynamic => Quantization::Dynamic,
    }
}

fn output_of(key: Option<&OutputKey>) -> Option<String> {
    match key {
        Some(OutputKey::ByName(name)) => Some((*name).to_owned()),
        Some(OutputKey::OnlyOne | OutputKey::ByOrder(_)) | None => None,
    }
}

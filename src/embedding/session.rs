//! Sessions of ONNX Runtime. A model's file as it is is run by fastembed. A graph that docent wrote is run
//! directly: its sessions then share one copy of the weights and of what ONNX Runtime makes of them, or map
//! them from the file, and a text is tokenised once. Each session runs one text at a time: ONNX Runtime
//! does not promise that one may be run from several threads (see `Session::run` in ort).

use std::path::Path;
use std::sync::{Arc, OnceLock};

use fastembed::{
    InitOptionsUserDefined, OutputKey, QuantizationMode, TextEmbedding, TokenizerFiles,
    UserDefinedEmbeddingModel,
};
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, PrepackedWeights};
use ort::value::{DynValue, Tensor, TensorRef};
use tokenizers::{Encoding, Tokenizer, TruncationParams};

use super::EmbedError;
use super::calibration::Form;
use super::catalog::ModelSpec;
use super::graph::{self, Arithmetic, Place, Rebuilt, Weight, WeightValues};
use super::onnx::Threads;
use super::store::ModelFiles;

/// Names the folder of tensors that lie beside a graph in memory.
const TENSOR_FOLDER: &str = "session.model_external_initializers_file_folder_path";

/// What sessions are made of.
#[derive(Clone, Copy)]
pub(super) struct SessionMaker<'model> {
    pub(super) form: Form,
    pub(super) spec: &'model ModelSpec,
    pub(super) files: &'model ModelFiles,
    /// Neither cuts nor pads.
    pub(super) tokenizer: &'model Tokenizer,
    pub(super) environment: &'static ort::environment::Environment,
    pub(super) threads: Threads,
}

/// Sessions of one model.
pub(super) struct Sessions {
    pub(super) sessions: Vec<EncoderSession>,
    /// Bytes of the weights that several have in common.
    pub(super) shared_weights: Option<u64>,
}

/// One session.
pub(super) enum EncoderSession {
    AsShipped {
        session: Box<TextEmbedding>,
        /// Where the vectors of tokens are found, best first.
        outputs: Vec<OutputKey>,
    },
    Rebuilt(Session),
}

impl EncoderSession {
    /// The ids of a text's tokens, special ones included, at most `max_tokens` of them, and what the model
    /// gives: a vector for each, or one for all.
    pub(super) fn run(
        &mut self,
        tokenizer: &Tokenizer,
        text: &str,
        max_tokens: usize,
    ) -> Result<(Vec<u32>, Vec<f32>), String> {
        match self {
            Self::AsShipped { session, outputs } => run_as_shipped(session, outputs, text),
            Self::Rebuilt(session) => {
                let encoded = tokenizer.encode_fast(text, true).map_err(|error| error.to_string())?;
                let ids = cut(&encoded, max_tokens);
                let vectors = run_rebuilt(session, &ids).map_err(|error| error.to_string())?;
                Ok((ids, vectors))
            }
        }
    }
}

fn run_as_shipped(
    session: &mut TextEmbedding,
    outputs: &[OutputKey],
    text: &str,
) -> Result<(Vec<u32>, Vec<f32>), String> {
    let encoded = session.tokenizer.encode_fast(text, true).map_err(|error| error.to_string())?;
    let batches = session.transform([text], Some(1)).map_err(|error| error.to_string())?.into_raw();
    let output = batches.first().ok_or("the model gave no output")?;
    let vectors = output.select_output(&outputs).map_err(|error| error.to_string())?;
    Ok((encoded.get_ids().to_vec(), vectors.iter().copied().collect()))
}

fn run_rebuilt(session: &mut Session, ids: &[u32]) -> ort::Result<Vec<f32>> {
    let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
    let mask = vec![1_i64; ids.len()];
    let outputs = session.run(ort::inputs! {
        graph::INPUTS[0] => TensorRef::from_array_view(([1, ids.len()], ids.as_slice()))?,
        graph::INPUTS[1] => TensorRef::from_array_view(([1, mask.len()], mask.as_slice()))?,
    })?;
    let (_, vectors) = outputs[graph::OUTPUT].try_extract_tensor::<f32>()?;
    Ok(vectors.to_vec())
}

/// The ids of a text that is cut to `max_tokens`: what stands behind it (a separator) stays.
fn cut(encoded: &Encoding, max_tokens: usize) -> Vec<u32> {
    let ids = encoded.get_ids();
    if ids.len() <= max_tokens {
        return ids.to_vec();
    }
    let special = encoded.get_special_tokens_mask();
    let behind = special.iter().rev().take_while(|special| **special == 1).count().min(max_tokens);
    [&ids[..max_tokens - behind], &ids[ids.len() - behind..]].concat()
}

impl SessionMaker<'_> {
    /// As many sessions as there are threads for.
    pub(super) fn sessions(self) -> Result<Sessions, String> {
        let count = self.threads.sessions.max(1);
        match self.form {
            Form::AsShipped => {
                let model = self.shipped_model()?;
                let sessions = (0..count).map(|_| self.as_shipped(model.clone()));
                Ok(Sessions { sessions: sessions.collect::<Result<_, _>>()?, shared_weights: None })
            }
            Form::Rebuilt(arithmetic) => {
                let rebuilt = self.rebuilt_graph(arithmetic, count > 1)?;
                let shared_weights = Some(rebuilt.large_bytes);
                let sessions = self.rebuilt(rebuilt, count).map_err(|error| error.to_string())?;
                Ok(Sessions { sessions, shared_weights })
            }
        }
    }

    fn rebuilt_graph(self, arithmetic: Arithmetic, shared: bool) -> Result<Rebuilt, String> {
        let name = self.files.model.file_name().map(|name| name.to_string_lossy().into_owned());
        let place = match name {
            Some(name) if shared => Place::Shared(name),
            Some(name) => Place::File(name),
            None => Place::Graph,
        };
        graph::rebuild(read(&self.files.model)?, arithmetic, &place).map_err(|error| error.to_string())
    }

    fn rebuilt(self, rebuilt: Rebuilt, count: usize) -> ort::Result<Vec<EncoderSession>> {
        let Rebuilt { graph, weights, .. } = rebuilt;
        let weights = weights.into_iter().map(shared).collect::<ort::Result<Vec<_>>>()?;
        let packed = PrepackedWeights::new();
        let folder = self.files.model.parent().unwrap_or(Path::new("."));
        let session = |_| {
            let mut builder = Session::builder(self.environment)?
                .with_optimization_level(GraphOptimizationLevel::Level3)?
                .with_intra_threads(self.threads.per_session)?
                // Texts have many lengths, and a plan for each would be kept.
                .with_memory_pattern(false)?
                .with_config_entry(TENSOR_FOLDER, folder.to_string_lossy())?;
            for (key, value) in spinning(self.threads.per_session) {
                builder = builder.with_config_entry(key, value)?;
            }
            for (name, value) in &weights {
                builder = builder.with_initializer(name, Arc::clone(value))?;
            }
            if count > 1 {
                builder = builder.with_prepacked_weights(&packed)?;
            }
            Ok(EncoderSession::Rebuilt(builder.commit_from_memory(&graph)?))
        };
        (0..count).map(session).collect()
    }

    fn as_shipped(self, model: UserDefinedEmbeddingModel) -> Result<EncoderSession, String> {
        let max_length = self.spec.max_tokens;
        let mut options = InitOptionsUserDefined::new()
            .with_environment(self.environment.clone())
            .with_max_length(max_length)
            .with_intra_threads(self.threads.per_session);
        for (key, value) in spinning(self.threads.per_session) {
            options = options.with_session_config(key, value);
        }
        let mut session =
            TextEmbedding::try_new_from_user_defined(model, options).map_err(|error| error.to_string())?;
        session.tokenizer = self.tokenizer.clone();
        session
            .tokenizer
            .with_truncation(Some(TruncationParams { max_length, ..TruncationParams::default() }))
            .map_err(|error| error.to_string())?;
        let outputs = output_keys(self.spec.output.as_deref());
        Ok(EncoderSession::AsShipped { session: Box::new(session), outputs })
    }

    fn shipped_model(self) -> Result<UserDefinedEmbeddingModel, String> {
        // fastembed wants the files beside the tokenizer, for padding and truncation that are set on
        // the tokenizer itself.
        let beside = format!(r#"{{"model_max_length": {}, "pad_token": "[PAD]"}}"#, self.spec.max_tokens);
        let tokenizer_files = TokenizerFiles {
            tokenizer_file: self.tokenizer.to_string(false).map_err(|error| error.to_string())?.into_bytes(),
            config_file: b"{}".to_vec(),
            special_tokens_map_file: b"{}".to_vec(),
            tokenizer_config_file: beside.into_bytes(),
        };
        // One text a run, so that no batch changes a vector, whatever the weights' arithmetic.
        let mut model = UserDefinedEmbeddingModel::new(read(&self.files.model)?, tokenizer_files)
            .with_quantization(QuantizationMode::None);
        for data in &self.files.data {
            let name = data.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            model = model.with_external_initializer(name, read(data)?);
        }
        Ok(model)
    }
}

/// Threads that share a text wait for each other by spinning, which is faster than sleeping by a fifth;
/// between questions they sleep, or would keep a laptop's fan running.
fn spinning(threads: usize) -> [(&'static str, &'static str); 2] {
    let spins = if threads > 1 { "1" } else { "0" };
    [("session.intra_op.allow_spinning", spins), ("session.force_spinning_stop", "1")]
}

/// A tensor that ONNX Runtime uses where it is.
fn shared(weight: Weight) -> ort::Result<(String, Arc<DynValue>)> {
    let Weight { name, shape, values } = weight;
    let value = match values {
        WeightValues::Int8(values) => Tensor::from_array((shape, values))?.into_dyn(),
        WeightValues::F32(values) => Tensor::from_array((shape, values))?.into_dyn(),
    };
    Ok((name, Arc::new(value)))
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("`{}`: {error}", path.display()))
}

fn output_keys(name: Option<&str>) -> Vec<OutputKey> {
    let usual = ["last_hidden_state", "text_embeds", "sentence_embedding"];
    let by_name =
        usual.into_iter().filter(|usual| name.is_none_or(|name| name == *usual)).map(OutputKey::ByName);
    std::iter::once(OutputKey::OnlyOne).chain(by_name).collect()
}

/// ONNX Runtime allows one environment a process; the first library that is loaded stays.
pub(super) fn environment(runtime: &Path) -> Result<&'static ort::environment::Environment, EmbedError> {
    static ENVIRONMENT: OnceLock<Result<ort::environment::Environment, (String, String)>> = OnceLock::new();
    let loaded = ENVIRONMENT.get_or_init(|| {
        let failed = |message: String| (runtime.display().to_string(), message);
        ort::init_from(runtime)
            .map_err(|error| failed(error.to_string()))?
            .with_name("docent")
            .build()
            .map_err(|error| failed(error.to_string()))
    });
    loaded
        .as_ref()
        .map_err(|(path, message)| EmbedError::Runtime { path: path.clone(), message: message.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words, a token for each letter, between two special tokens.
    fn tokenizer() -> Tokenizer {
        let letters = ('a'..='z').enumerate().map(|(id, letter)| format!(r#","{letter}":{}"#, id + 3));
        let letters = letters.collect::<Vec<_>>().concat();
        let special = |id: u32, content: &str| {
            format!(
                r#"{{"id":{id},"content":"{content}","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}}"#
            )
        };
        let json = format!(
            r#"{{"version":"1.0","added_tokens":[{},{}],"pre_tokenizer":{{"type":"Whitespace"}},
            "post_processor":{{"type":"BertProcessing","sep":["[SEP]",1],"cls":["[CLS]",0]}},
            "model":{{"type":"WordLevel","unk_token":"[UNK]","vocab":{{"[CLS]":0,"[SEP]":1,"[UNK]":2{letters}}}}}}}"#,
            special(0, "[CLS]"),
            special(1, "[SEP]"),
        );
        json.parse().unwrap()
    }

    #[test]
    fn a_text_is_cut_where_the_tokenizer_would_cut_it() {
        let whole = tokenizer();
        for length in 0..12 {
            let text = "k d q z a p m ".repeat(length).chars().take(2 * length).collect::<String>();
            let encoded = whole.encode_fast(text.as_str(), true).unwrap();
            for max_length in 2..12 {
                let mut cutting = whole.clone();
                let parameters = TruncationParams { max_length, ..TruncationParams::default() };
                cutting.with_truncation(Some(parameters)).unwrap();
                let wanted = cutting.encode_fast(text.as_str(), true).unwrap();
                assert_eq!(cut(&encoded, max_length), wanted.get_ids(), "{text} at {max_length}");
            }
        }
    }
}

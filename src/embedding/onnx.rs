//! Encoders as ONNX models, run by fastembed on ONNX Runtime.

use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, OnceLock, PoisonError};

use fastembed::{
    InitOptionsUserDefined, OutputKey, QuantizationMode, TextEmbedding, TokenizerFiles,
    UserDefinedEmbeddingModel,
};
use tokenizers::{Tokenizer, TruncationParams};

use super::{EmbedError, Embedder, Embedding, Encoding, ModelIdentity, Role};

/// How token vectors become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The first one's (`[CLS]`).
    Cls,
}

/// What an encoder is made from.
#[derive(Debug, Clone)]
pub struct OnnxSettings {
    /// Its identity, with the vectors' length and the token limit.
    pub identity: ModelIdentity,
    /// The shared library of ONNX Runtime.
    pub runtime: PathBuf,
    /// The ONNX file.
    pub model: PathBuf,
    /// Its `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// How token vectors become one.
    pub pooling: Pooling,
    /// Put before every query.
    pub query_prefix: String,
    /// Put before every passage.
    pub passage_prefix: String,
    /// Name of the output to read, where the model has several and not the usual ones.
    pub output: Option<String>,
    /// Texts encoded at the same time.
    pub sessions: usize,
    /// Threads that work on one text.
    pub threads_per_session: usize,
}

/// A pool of sessions of one model: one text a run, so that a vector never depends on what else
/// is in a batch, and no padding is computed.
pub struct OnnxEmbedder {
    identity: ModelIdentity,
    pooling: Pooling,
    query_prefix: String,
    passage_prefix: String,
    outputs: Vec<OutputKey>,
    counter: Tokenizer,
    sessions: Mutex<Vec<TextEmbedding>>,
    returned: Condvar,
    session_count: usize,
}

impl OnnxEmbedder {
    /// Loads a model.
    ///
    /// # Errors
    /// Where ONNX Runtime, the model or the tokenizer does not load.
    pub fn load(settings: &OnnxSettings) -> Result<Self, EmbedError> {
        let environment = environment(&settings.runtime)?;
        let load_error =
            |message: String| EmbedError::Load { model: settings.identity.name.clone(), message };
        let tokenizer = load_tokenizer(&settings.tokenizer).map_err(&load_error)?;
        let model = std::fs::read(&settings.model)
            .map_err(|error| load_error(format!("`{}`: {error}", settings.model.display())))?;
        let mut sessions = Vec::with_capacity(settings.sessions);
        for _ in 0..settings.sessions.max(1) {
            sessions.push(session(settings, model.clone(), &tokenizer, environment).map_err(&load_error)?);
        }
        Ok(Self {
            identity: settings.identity.clone(),
            pooling: settings.pooling,
            query_prefix: settings.query_prefix.clone(),
            passage_prefix: settings.passage_prefix.clone(),
            outputs: output_keys(settings.output.as_deref()),
            counter: tokenizer,
            session_count: sessions.len(),
            sessions: Mutex::new(sessions),
            returned: Condvar::new(),
        })
    }

    /// Runs `work` with a session of the pool, waiting for one where all are busy.
    fn with_session<T>(&self, work: impl FnOnce(&mut TextEmbedding) -> T) -> T {
        let mut pool = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let mut session = loop {
            match pool.pop() {
                Some(session) => break session,
                None => pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(pool);
        let result = work(&mut session);
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        self.returned.notify_one();
        result
    }

    fn run(&self, text: &str) -> Result<(Vec<u32>, Vec<f32>), String> {
        self.with_session(|session| {
            let encoded = session.tokenizer.encode_fast(text, true).map_err(|error| error.to_string())?;
            let batches = session.transform([text], Some(1)).map_err(|error| error.to_string())?.into_raw();
            let output = batches.first().ok_or("the model gave no output")?;
            let vectors =
                output.select_output(&self.outputs.as_slice()).map_err(|error| error.to_string())?;
            Ok((encoded.get_ids().to_vec(), vectors.iter().copied().collect()))
        })
    }

    fn pool(&self, token_vectors: &[f32]) -> Vec<f32> {
        let dimensions = self.identity.dimensions;
        match self.pooling {
            Pooling::Cls => token_vectors[..dimensions].to_vec(),
            Pooling::Mean => {
                let mut sum = vec![0.0_f32; dimensions];
                for row in token_vectors.chunks_exact(dimensions) {
                    sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
                sum
            }
        }
    }
}

impl Embedder for OnnxEmbedder {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn encode(&self, text: &str, role: Role) -> Result<Encoding, EmbedError> {
        let prefix = match role {
            Role::Query => &self.query_prefix,
            Role::Passage => &self.passage_prefix,
        };
        let model = || self.identity.name.clone();
        let (token_ids, token_vectors) = self
            .run(&format!("{prefix}{text}"))
            .map_err(|message| EmbedError::Run { model: model(), bytes: text.len(), message })?;
        let dimensions = self.identity.dimensions;
        // A model that pools by itself gives one row.
        let is_pooled = token_vectors.len() == dimensions && token_ids.len() != 1;
        if !is_pooled && token_vectors.len() != token_ids.len() * dimensions {
            let actual = token_vectors.len() / token_ids.len().max(1);
            return Err(EmbedError::Dimensions { model: model(), expected: dimensions, actual });
        }
        let pooled = if is_pooled { token_vectors.clone() } else { self.pool(&token_vectors) };
        let pooled =
            Embedding::normalized(pooled).map_err(|source| EmbedError::Vector { model: model(), source })?;
        let (token_ids, token_vectors) =
            if is_pooled { (Vec::new(), Vec::new()) } else { (token_ids, token_vectors) };
        Ok(Encoding { pooled, token_ids, token_vectors })
    }

    fn count_tokens(&self, text: &str) -> usize {
        self.counter.encode_fast(text, false).map_or(0, |encoded| encoded.len())
    }

    fn parallelism(&self) -> usize {
        self.session_count
    }
}

/// ONNX Runtime allows one environment a process; the first library that is loaded stays.
fn environment(runtime: &Path) -> Result<&'static ort::environment::Environment, EmbedError> {
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

fn load_tokenizer(path: &Path) -> Result<Tokenizer, String> {
    let mut tokenizer =
        Tokenizer::from_file(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|error| error.to_string())?;
    Ok(tokenizer)
}

fn session(
    settings: &OnnxSettings,
    model: Vec<u8>,
    tokenizer: &Tokenizer,
    environment: &ort::environment::Environment,
) -> Result<TextEmbedding, String> {
    let max_length = settings.identity.max_tokens;
    // fastembed wants the files beside the tokenizer, for padding and truncation that are set
    // below on the tokenizer itself.
    let beside = format!(r#"{{"model_max_length": {max_length}, "pad_token": "[PAD]"}}"#);
    let files = TokenizerFiles {
        tokenizer_file: tokenizer.to_string(false).map_err(|error| error.to_string())?.into_bytes(),
        config_file: b"{}".to_vec(),
        special_tokens_map_file: b"{}".to_vec(),
        tokenizer_config_file: beside.into_bytes(),
    };
    let model = UserDefinedEmbeddingModel::new(model, files).with_quantization(QuantizationMode::None);
    let options = InitOptionsUserDefined::new()
        .with_environment(environment.clone())
        .with_max_length(max_length)
        .with_intra_threads(settings.threads_per_session)
        // Threads that spin between questions would keep a laptop's fan running.
        .with_session_config("session.intra_op.allow_spinning", "0");
    let mut session =
        TextEmbedding::try_new_from_user_defined(model, options).map_err(|error| error.to_string())?;
    session.tokenizer = tokenizer.clone();
    session
        .tokenizer
        .with_truncation(Some(TruncationParams { max_length, ..TruncationParams::default() }))
        .map_err(|error| error.to_string())?;
    Ok(session)
}

fn output_keys(name: Option<&str>) -> Vec<OutputKey> {
    let usual = ["last_hidden_state", "text_embeds", "sentence_embedding"];
    let by_name =
        usual.into_iter().filter(|usual| name.is_none_or(|name| name == *usual)).map(OutputKey::ByName);
    std::iter::once(OutputKey::OnlyOne).chain(by_name).collect()
}

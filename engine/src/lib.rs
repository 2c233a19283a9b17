//! The Rust side of cup: Wasmtime's C API comes in by linking its crate; the functions below are a
//! JSON Schema validator for `src/json/schema.c`, which declares them. Every function may be called
//! from any thread; a validator may be used by many threads at once.

// Brings the crate's exported C functions into the static library.
pub use wasmtime_c_api::*;

use jsonschema::{PatternOptions, Retrieve, Uri, Validator};
use serde_json::{json, Value};
use std::panic::{catch_unwind, AssertUnwindSafe};

const VALID: i32 = 0;
const INVALID: i32 = 1;
const BROKEN: i32 = 2;

const CAUSES_MAX: usize = 20;
const MESSAGE_MAX: usize = 300;

/// A schema that a client or an image brings must not make the server open files or connections.
struct NoRetrieval;

impl Retrieve for NoRetrieval {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("remote $ref '{uri}' is not followed: put the schema into the definition").into())
    }
}

fn give_text(to: *mut *mut u8, to_len: *mut usize, text: String) {
    let bytes = text.into_bytes().into_boxed_slice();
    unsafe {
        *to_len = bytes.len();
        *to = Box::into_raw(bytes) as *mut u8;
    }
}

fn view<'a>(p: *const u8, n: usize) -> &'a [u8] {
    if n == 0 {
        return &[];
    }
    unsafe { std::slice::from_raw_parts(p, n) }
}

fn compile(bytes: &[u8]) -> Result<Validator, String> {
    let schema: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    if !(schema.is_object() || schema.is_boolean()) {
        return Err("a schema is an object, true or false".into());
    }
    jsonschema::options()
        .should_validate_formats(true)
        .with_retriever(NoRetrieval)
        // Linear time whatever the pattern: no lookaround, no back-references.
        .with_pattern_options(PatternOptions::regex().size_limit(1 << 20).dfa_size_limit(4 << 20))
        .build(&schema)
        .map_err(|e| {
            let at = e.instance_path().to_string();
            if at.is_empty() {
                e.to_string()
            } else {
                format!("{e} at '{at}'")
            }
        })
}

/// "/spec/variants/0/key" as "spec.variants.0.key", the form of a Status cause; "(root)" for the top.
fn dotted(pointer: &str) -> String {
    if pointer.is_empty() {
        return "(root)".into();
    }
    pointer[1..]
        .split('/')
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect::<Vec<_>>()
        .join(".")
}

fn shorten(mut text: String) -> String {
    if text.len() > MESSAGE_MAX {
        let mut cut = MESSAGE_MAX;
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        text.truncate(cut);
        text.push('…');
    }
    text
}

fn causes(validator: &Validator, document: &Value) -> Vec<Value> {
    validator
        .iter_errors(document)
        .take(CAUSES_MAX)
        .map(|e| json!({"field": dotted(&e.instance_path().to_string()), "message": shorten(e.to_string())}))
        .collect()
}

/// Compile the schema in the n bytes at p. NULL on failure, with the reason in *ret_text.
#[no_mangle]
pub extern "C" fn cup_schema_compile(
    p: *const u8,
    n: usize,
    ret_text: *mut *mut u8,
    ret_text_len: *mut usize,
) -> *mut Validator {
    match catch_unwind(|| compile(view(p, n))) {
        Ok(Ok(validator)) => Box::into_raw(Box::new(validator)),
        Ok(Err(text)) => {
            give_text(ret_text, ret_text_len, shorten(text));
            std::ptr::null_mut()
        }
        Err(_) => {
            give_text(ret_text, ret_text_len, "the validator failed on this schema".into());
            std::ptr::null_mut()
        }
    }
}

/// Validate a document: VALID, INVALID (*ret_text: JSON array of causes) or BROKEN (*ret_text: why).
#[no_mangle]
pub extern "C" fn cup_schema_validate(
    validator: *const Validator,
    p: *const u8,
    n: usize,
    ret_text: *mut *mut u8,
    ret_text_len: *mut usize,
) -> i32 {
    let validator = unsafe { &*validator };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let document: Value = match serde_json::from_slice(view(p, n)) {
            Ok(document) => document,
            Err(e) => return (BROKEN, e.to_string()),
        };
        if validator.is_valid(&document) {
            return (VALID, String::new());
        }
        (INVALID, Value::Array(causes(validator, &document)).to_string())
    }));
    let (result, text) =
        outcome.unwrap_or((BROKEN, "the validator failed on this document".into()));
    if result != VALID {
        give_text(ret_text, ret_text_len, text);
    }
    result
}

#[no_mangle]
pub extern "C" fn cup_schema_text_free(p: *mut u8, n: usize) {
    if !p.is_null() {
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(p, n)) });
    }
}

#[no_mangle]
pub extern "C" fn cup_schema_free(validator: *mut Validator) {
    if !validator.is_null() {
        drop(unsafe { Box::from_raw(validator) });
    }
}

//! Hands the digest of the sources, which `make lib` computes, to `tl_content_digest`.

fn main() {
    println!("cargo::rerun-if-env-changed=TL_CONTENT_DIGEST");
    let digest = std::env::var("TL_CONTENT_DIGEST").unwrap_or_else(|_| "unset".to_owned());
    println!("cargo::rustc-env=TL_CONTENT_DIGEST={digest}");
}

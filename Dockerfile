# One static program in an image that holds nothing else: no shell, no libraries, no root.
#
#   docker build -t pengwatch .
#   docker run --rm pengwatch demo --for 60s
#
# How it is run for good: deploy/README.md.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# With the target named, the flag is for the program only and not for what runs while it is built.
ENV RUSTFLAGS="-C target-feature=+crt-static"

# The dependencies alone: built anew only when Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && touch src/lib.rs \
    && cargo build --release --locked --target "$(rustc --print host-tuple)" \
    && rm -r src

# Rules and templates are part of the program.
COPY rules rules
COPY templates templates
COPY src src
# Newer than the stand-ins of above, or cargo would keep those.
RUN find src -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --target "$(rustc --print host-tuple)" \
    && mkdir -p /image/state /image/etc/pengwatch \
    && cp target/*/release/pengwatch /image/pengwatch

FROM scratch
COPY --from=build /image/pengwatch /pengwatch
COPY --from=build /image/etc/pengwatch /etc/pengwatch
# What must survive: the only place that is written to, so that the rest may be read-only.
COPY --from=build --chown=65532:65532 /image/state /state
VOLUME /state
# For the demo's folder and the database's scratch files: there is no /tmp here.
ENV TMPDIR=/state
ENV PENGWATCH_CONFIG=/etc/pengwatch/pengwatch.toml
WORKDIR /etc/pengwatch
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["/pengwatch"]
CMD ["run"]

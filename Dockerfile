# One static program in an image that holds nothing else: no shell, no libraries, no root.
#
#   docker build -t pengwatch .
#   docker run --rm pengwatch demo --for 60s
#
# deploy/README.md describes a permanent installation.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# With a named target, the flag applies to the program only and not to build scripts.
ENV RUSTFLAGS="-C target-feature=+crt-static"

# The dependencies alone are built again only when Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && echo 'fn main() {}' > src/main.rs && touch src/lib.rs \
    && cargo build --release --locked --target "$(rustc --print host-tuple)" \
    && rm -r src

# Rules and templates are part of the program.
COPY rules rules
COPY templates templates
COPY src src
# They must be newer than the placeholders above, or cargo would keep those.
RUN find src -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --target "$(rustc --print host-tuple)" \
    && mkdir -p /image/state /image/etc/pengwatch \
    && cp target/*/release/pengwatch /image/pengwatch

FROM scratch
COPY --from=build /image/pengwatch /pengwatch
COPY --from=build /image/etc/pengwatch /etc/pengwatch
# The state must survive. It is the only folder that is written to, so the rest may be read-only.
COPY --from=build --chown=65532:65532 /image/state /state
VOLUME /state
# For the demo's folder and the database's temporary files, because there is no /tmp.
ENV TMPDIR=/state
ENV PENGWATCH_CONFIG=/etc/pengwatch/pengwatch.toml
WORKDIR /etc/pengwatch
USER 65532:65532
STOPSIGNAL SIGTERM
ENTRYPOINT ["/pengwatch"]
CMD ["run"]

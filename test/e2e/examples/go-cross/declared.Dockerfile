FROM --platform=$BUILDPLATFORM golang:1.21.9-alpine AS builder
ARG TARGETARCH
WORKDIR /app
COPY . .
RUN GOOS=linux GOARCH=$TARGETARCH go build -o system_info

FROM alpine:latest
COPY --from=builder /app/system_info .
ENTRYPOINT ["./system_info"]

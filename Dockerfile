# One node as a trimmed, ahead-of-time compiled single file on a small base.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY . .
RUN dotnet publish src/Node -c Release -r linux-x64 --self-contained -p:PublishSingleFile=true -p:PublishReadyToRun=true -o /out

FROM mcr.microsoft.com/dotnet/runtime-deps:10.0
COPY --from=build /out/conclave-node /usr/local/bin/conclave-node
VOLUME /var/lib/conclave
EXPOSE 2379 2380
ENTRYPOINT ["/usr/local/bin/conclave-node", "--data-dir", "/var/lib/conclave"]

# `make` says what there is.
.DEFAULT_GOAL := help
SEED ?= 1
STEPS ?= 50000
MINUTES ?= 5
AGENTS ?= 50

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-11s %s\n", $$1, $$2 }'

build: ## everything, warnings are errors
	dotnet build -c Release Cluster.sln

verify: ## build, format check and all tests; changes no file
	dotnet build -c Release Cluster.sln
	dotnet format Cluster.sln --verify-no-changes --no-restore
	dotnet test -c Release --no-build Cluster.sln

fix: ## format the code
	dotnet format Cluster.sln --no-restore

run: ## three nodes on loopback, with a live table
	dotnet run -c Release --project src/Cli -- up

publish: ## the node as one self-contained, precompiled file in artifacts/publish/node
	dotnet publish src/Node -c Release -r linux-x64 --self-contained -p:PublishSingleFile=true -p:PublishReadyToRun=true -o artifacts/publish/node

publish-cli: ## conclave, the command line, in the same way in artifacts/publish/cli
	dotnet publish src/Cli -c Release -r linux-x64 --self-contained -p:PublishSingleFile=true -p:PublishReadyToRun=true -o artifacts/publish/cli

simulate: ## replay one seed: make simulate SEED=7
	dotnet run -c Release --project chaos/Simulator -- --seed $(SEED) --steps $(STEPS)

explore: ## draw new seeds for a while: make explore MINUTES=60
	dotnet run -c Release --project chaos/Simulator -- explore --minutes $(MINUTES)

exhaustive: ## every reachable state of small clusters, breadth first
	dotnet run -c Release --project chaos/Exhaustive -- --fast-prevotes --lose HeartbeatRequest,CommitNotice --messages 2 --heartbeats 0

fuzz: ## damaged, cut and spliced inputs for every decoder: make fuzz MINUTES=10
	dotnet run -c Release --project chaos/Fuzz -- --minutes $(MINUTES) --parallel 2

chaos: ## kill real processes and look for lost writes
	dotnet run -c Release --project chaos/Processes -- kill

fleet: ## a fleet of agents, a killed leader, and two bad changes: make fleet AGENTS=50
	dotnet run -c Release --project chaos/Fleet -- --agents $(AGENTS)

bench: ## the same load against Conclave and etcd, side by side
	dotnet run -c Release --project bench/Bench

.PHONY: help build verify fix run publish publish-cli simulate explore exhaustive fuzz chaos fleet bench

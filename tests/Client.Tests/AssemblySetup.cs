using Conclave.Client.Tests;

[assembly: AssemblyFixture(typeof(SharedEtcd))]

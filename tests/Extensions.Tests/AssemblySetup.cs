using Conclave.Extensions.Tests;

[assembly: AssemblyFixture(typeof(SharedNode))]

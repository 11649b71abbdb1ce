using Xunit.Sdk;
using Xunit.v3;

namespace Conclave.Conformance.Tests.Suite;

/// <summary>Groups run in the order of <see cref="Groups.All"/>, so that it is known whose servers to start next.</summary>
public sealed class InOrderOfGroups : ITestCaseOrderer
{
    public IReadOnlyCollection<TTestCase> OrderTestCases<TTestCase>(IReadOnlyCollection<TTestCase> testCases) where TTestCase : notnull, ITestCase =>
        [.. testCases.OrderBy(one => Groups.All.ToList().FindIndex(group => one.TestCaseDisplayName.Contains($"\"{group.Name}\"", StringComparison.Ordinal)))];
}

using Conclave.Conformance.Tests.Comparing;
using Conclave.Conformance.Tests.Suite;
using Conclave.Processes.Servers;

namespace Conclave.Conformance.Tests;

/// <summary>What users read about differences is what the cases check.</summary>
public sealed class DocumentTests
{
    [Fact]
    public void The_document_shows_the_table_of_known_differences()
    {
        Assert.SkipWhen(ServerBinary.RepositoryRoot() is null, "There is a document to check in a checkout only.");
        string document = File.ReadAllText(CompatibilityDocument.Path), renewed = CompatibilityDocument.Renewed(document);
        if (Recording.IsWanted)
            File.WriteAllText(CompatibilityDocument.Path, renewed);
        else
            Assert.True(document == renewed, $"docs/compatibility.md does not show the table of known differences as it is now. Renew it: {Recording.Renew}");
    }

    [Fact]
    public void Every_known_difference_belongs_to_a_group_that_there_is() =>
        Assert.Empty(KnownDifferences.All.SelectMany(one => one.Where).Select(KnownDifference.GroupOf).Distinct().Except(Groups.All.Select(group => group.Name)));

    [Fact]
    public void Every_known_difference_has_a_name_of_its_own() => Assert.Equal(KnownDifferences.All.Count, KnownDifferences.All.Select(one => one.Id).Distinct().Count());
}

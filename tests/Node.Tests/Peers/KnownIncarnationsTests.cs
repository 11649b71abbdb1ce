using System.Collections.Immutable;
using System.Text;
using Conclave.Node.Options;
using Conclave.Node.Peers;
using Conclave.Raft;
using Conclave.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Conclave.Node.Tests.Peers;

public class KnownIncarnationsTests
{
    private const string Directory = "/data/member", File = "/data/member/peers";
    private static readonly NodeId Second = new(0xB2), Third = new(0xC3);
    private static readonly Guid First = new("11111111-0000-0000-0000-000000000001"), Other = new("22222222-0000-0000-0000-000000000002");

    private static readonly ClusterIdentity Cluster = new(7, new NodeId(0xA1),
        ImmutableArray.Create(new ClusterMember(new NodeId(0xA1), "n1", []), new ClusterMember(Second, "n2", []), new ClusterMember(Third, "n3", [])));

    private readonly SimulatedFileSystem _files = new(seed: 1);

    private KnownIncarnations Open(params string[] forget) => KnownIncarnations.Open(_files, Directory, Cluster, forget, NullLogger.Instance);

    [Fact]
    public void The_first_directory_of_a_member_is_taken_and_another_one_is_not()
    {
        KnownIncarnations known = Open();

        Assert.Empty(known.Objection(Second, First));
        Assert.Empty(known.Objection(Second, First));
        string objection = known.Objection(Second, Other);

        foreach (string part in new[] { "member n2 (", $"{First}", $"{Other}", "must not vote", "--forget-member-disk n2" }) Assert.Contains(part, objection);
        Assert.Empty(known.Objection(Third, Other));
    }

    [Fact]
    public void A_directory_that_was_taken_is_remembered_through_a_power_cut()
    {
        Assert.Empty(Open().Objection(Second, First));

        _files.PowerCut();

        Assert.NotEmpty(Open().Objection(Second, Other));
        Assert.Empty(Open().Objection(Second, First));
    }

    [Fact]
    public void Nobody_is_let_in_whose_directory_cannot_be_remembered()
    {
        KnownIncarnations known = Open();
        _files.Faults.ReadOnly = true;

        Assert.Contains("could not be remembered", known.Objection(Second, First));

        _files.Faults.ReadOnly = false;
        Assert.Empty(known.Objection(Second, Other));
    }

    [Fact]
    public void A_forgotten_member_comes_with_a_new_directory_and_the_others_do_not()
    {
        KnownIncarnations before = Open();
        Assert.Empty(before.Objection(Second, First));
        Assert.Empty(before.Objection(Third, First));

        Open("n2");
        KnownIncarnations after = Open();

        Assert.Empty(after.Objection(Second, Other));
        Assert.NotEmpty(after.Objection(Third, Other));
    }

    [Fact]
    public void The_file_is_for_people_to_read()
    {
        Assert.Empty(Open().Objection(Second, First));

        string[] lines = Encoding.UTF8.GetString(_files.ReadAll(File)).Split('\n');

        Assert.Equal(["conclave-peers 1", $"00000000000000b2 {First}"], lines[..2]);
    }

    [Fact]
    public void Every_flipped_bit_in_the_file_stops_the_start()
    {
        Assert.Empty(Open().Objection(Second, First));
        int bytes = _files.ReadAll(File).Length;
        for (int bit = 0; bit < bytes * 8; bit++)
        {
            _files.FlipBit(File, bit);
            StorageException damage = Assert.Throws<StorageException>(() => Open());
            Assert.Equal((StorageErrorKind.Corrupt, File), (damage.Kind, damage.File));
            _files.FlipBit(File, bit);
        }

        Assert.NotEmpty(Open().Objection(Second, Other));
    }

    [Fact]
    public void Every_shorter_file_stops_the_start()
    {
        Assert.Empty(Open().Objection(Second, First));
        for (int length = _files.ReadAll(File).Length - 1; length >= 0; length--)
        {
            _files.Truncate(File, length);
            Assert.Throws<StorageException>(() => Open());
        }
    }

    [Theory]
    [InlineData("n2,n3", "")]
    [InlineData("n9", "names 'n9', which is none of n1, n2, n3")]
    [InlineData("n1", "Give the flag to the others")]
    public void The_flag_takes_names_of_other_members(string names, string problem)
    {
        NodeFlags.Parsed parsed = NodeFlags.Parse(
            ["--name", "n1", "--listen-peer-urls", "http://127.0.0.1:1", "--initial-cluster", "n1=http://127.0.0.1:1,n2=http://127.0.0.1:2,n3=http://127.0.0.1:3"],
            [new("CONCLAVE_FORGET_MEMBER_DISK", names)]);

        if (problem.Length == 0) Assert.Equal(names.Split(','), parsed.Options!.ForgetMemberDisk);
        else Assert.Contains(problem, Assert.Single(parsed.Errors));
    }
}

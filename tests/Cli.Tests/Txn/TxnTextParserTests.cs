using Conclave.Cli.Txn;
using Conclave.Client;

namespace Conclave.Cli.Tests.Txn;

public class TxnTextParserTests
{
    [Fact]
    public void Three_sections_are_read_in_etcdctls_form()
    {
        TxnScript script = Parse("""
            mod("key1") > "0"
            value("key 2") = "a \"b\"\n"
            ver(key3) != 7
            lease("key4") = "4d2"

            put key1 "overwrote key1" --lease 4d2
            get jobs/ --prefix --limit 10

            del 'key 1' --prev-kv
            """);

        Assert.Equal(
        [
            new TxnCompare(TxnTarget.Mod, "key1", Relation.Greater, 0, default),
            new TxnCompare(TxnTarget.Value, "key 2", Relation.Equal, 0, "a \"b\"\n"),
            new TxnCompare(TxnTarget.Version, "key3", Relation.NotEqual, 7, default),
            new TxnCompare(TxnTarget.Lease, "key4", Relation.Equal, 1234, default),
        ], script.Compares);
        Assert.Equal(
        [
            new PutStep("key1", "overwrote key1", new PutOptions { LeaseId = 1234 }),
            new GetStep(KeyRange.Prefix("jobs/"), new ReadOptions { Limit = 10 }),
        ], script.Success);
        Assert.Equal([new DelStep("key 1", new DeleteOptions { ReturnPrevious = true })], script.Failure);
    }

    [Fact]
    public void Sections_may_be_empty_and_left_out()
    {
        TxnScript script = Parse("\nput a 1");

        Assert.Empty(script.Compares);
        Assert.Equal([new PutStep("a", "1", new PutOptions())], script.Success);
        Assert.Empty(script.Failure);
        Assert.Empty(Parse("\n\nput a 1").Success);
    }

    [Theory]
    [InlineData("size(\"a\") = 1", "line 1: \"size\" cannot be compared")]
    [InlineData("mod a = 1", "line 1: \"(\" is missing")]
    [InlineData("mod(a = 1", "line 1: \")\" is missing")]
    [InlineData("mod(a) ~ 1", "line 1: after mod(...) comes")]
    [InlineData("mod(a) =", "line 1: the value to compare with is missing")]
    [InlineData("mod(a) = x", "line 1: \"x\" is not a number")]
    [InlineData("mod(a) = 1 2", "line 1: \"2\" is too much")]
    [InlineData("mod(\"\") = 1", "line 1: the key is empty")]
    [InlineData("mod(\"a) = 1", "line 1: a quote \" is not closed")]
    [InlineData("\nincr a", "line 2: \"incr\" is not an operation")]
    [InlineData("\nput a", "line 2: put takes a key and a value")]
    [InlineData("\nput a 'b", "line 2: a quote ' is not closed")]
    [InlineData("\nput a \"\\q\"", "line 2: \\q is not an escape")]
    [InlineData("\nput a \"\\xff\"", "line 2: \\x takes two")]
    [InlineData("\nget a --prefix --from-key", "line 2: --prefix and --from-key exclude each other")]
    [InlineData("\n\n\nput a 1", "line 4: nothing may follow")]
    public void What_cannot_be_read_is_named_with_its_line(string text, string beginning)
    {
        TxnSyntaxException refusal = Assert.Throws<TxnSyntaxException>(() => Parse(text));
        Assert.StartsWith(beginning, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\nget --prefx a", "--prefx")]
    [InlineData("\ndel a --prefx", "--prefx")]
    public void A_misspelt_option_is_not_taken_for_a_key(string text, string option)
    {
        TxnSyntaxException refusal = Assert.Throws<TxnSyntaxException>(() => Parse(text));
        Assert.Contains(option, refusal.Message, StringComparison.Ordinal);
    }

    private static TxnScript Parse(string text) => TxnTextParser.Parse(text.ReplaceLineEndings("\n").Split('\n'));
}

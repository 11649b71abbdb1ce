using Conclave.Support;
using Conclave.Wire.Grpc;
using FsCheck;
using FsCheck.Fluent;

namespace Conclave.Wire.Tests.Grpc;

public class GrpcMessageTextTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("etcdserver: key not found", "etcdserver: key not found")]
    [InlineData("100 %", "100 %25")]
    [InlineData("a\nb", "a%0Ab")]
    [InlineData("grün", "gr%C3%BCn")]
    [InlineData("", "")]
    public void Text_is_encoded_by_bytes(string text, string expected) => Assert.Equal(expected, GrpcMessageText.Encode(text));

    [Theory]
    [InlineData("100%", "100%")]
    [InlineData("%zz%41", "%zzA")]
    [InlineData("%4", "%4")]
    [InlineData("gr%c3%bcn", "grün")]
    public void Decoding_keeps_what_is_not_an_escape(string value, string expected) => Assert.Equal(expected, GrpcMessageText.Decode(value));

    [Fact]
    public void Every_text_survives_the_trip_as_printable_ascii() => Properties.Holds(
        Prop.ForAll((NonNull<string> any) =>
        {
            string text = new([.. any.Get.Where(c => !char.IsSurrogate(c))]);
            string value = GrpcMessageText.Encode(text);
            return value.All(c => c is >= ' ' and <= '~') && GrpcMessageText.Decode(value) == text;
        }), output, tests: 500);
}

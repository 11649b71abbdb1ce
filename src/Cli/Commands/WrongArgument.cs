using System.CommandLine;
using System.CommandLine.Parsing;

namespace Conclave.Cli.Commands;

/// <summary>What is wrong with a command line whose words are all known: which argument is missing, or what it may be.</summary>
internal static class WrongArgument
{
    /// <param name="parsed">A command line with at least one error.</param>
    public static string Text(ParseResult parsed)
    {
        ParseError error = parsed.Errors[0];
        Command command = parsed.CommandResult.Command;
        if (error.SymbolResult is not OptionResult && command is { Action: null, Subcommands.Count: > 0 })
            return $"{command.Name} is followed by one of: {string.Join(", ", command.Subcommands.Select(c => c.Name))}.";
        string[] missing = [.. command.Arguments.Where(a => a.Arity.MinimumNumberOfValues > (parsed.GetResult(a)?.Tokens.Count ?? 0)).Select(Form)];
        if (error.SymbolResult is ArgumentResult or CommandResult && missing.Length > 0) return $"Missing: {string.Join(", ", missing)}";
        (string name, Type? type) = error.SymbolResult switch
        {
            OptionResult option => (option.Option.Name, option.Option.ValueType),
            ArgumentResult { Parent: OptionResult option } => (option.Option.Name, option.Option.ValueType),
            ArgumentResult argument => (argument.Argument.Name, argument.Argument.ValueType),
            _ => ("", null),
        };
        if (name.Length == 0 || error.SymbolResult?.Tokens is not [var given, ..]) return error.Message;
        string[] lines = error.Message.Split('\n', StringSplitOptions.TrimEntries);
        if (lines.Length > 1) return $"{name} \"{given.Value}\" is none of: {string.Join(", ", lines[1..].Select(choice => choice.Trim('\'')).Where(choice => choice.Length > 0))}.";
        return type is not null && error.Message.Contains(type.FullName!, StringComparison.Ordinal)   // a type that options have is a closed one
            ? $"{name} \"{given.Value}\" is no {(type == typeof(bool) || type == typeof(bool?) ? "true or false" : "whole number, or too large for one")}." : error.Message;
    }

    /// <summary>Several words under one name say by their description how they are written.</summary>
    private static string Form(Argument argument) => argument is { Arity.MaximumNumberOfValues: > 1, Description: { } form } ? form : argument.Name;
}

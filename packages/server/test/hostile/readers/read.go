// Go's encoding/json on a list of base64 bodies: the last member wins, names are compared under Unicode case folding.
package main

import (
	"encoding/json"
	"errors"
	"os"
)

type body struct {
	Model json.RawMessage `json:"model"`
	Tools []struct {
		Model json.RawMessage `json:"model"`
	} `json:"tools"`
	Moderation struct {
		Model json.RawMessage `json:"model"`
	} `json:"moderation"`
	MaxTokens           json.RawMessage `json:"max_tokens"`
	MaxCompletionTokens json.RawMessage `json:"max_completion_tokens"`
	N                   json.RawMessage `json:"n"`
}

type said struct {
	Models []json.RawMessage `json:"models"`
	Limits []json.RawMessage `json:"limits"`
}

func kept(values ...json.RawMessage) []json.RawMessage {
	found := []json.RawMessage{}
	for _, value := range values {
		if value != nil && string(value) != "null" {
			found = append(found, value)
		}
	}
	return found
}

func main() {
	var texts [][]byte
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		panic(err)
	}
	all := []*said{}
	for _, text := range texts {
		var read body
		err := json.Unmarshal(text, &read)
		var other *json.UnmarshalTypeError
		// a member of another type is passed over, the rest is read
		if err != nil && !errors.As(err, &other) {
			all = append(all, nil)
			continue
		}
		models := []json.RawMessage{read.Model, read.Moderation.Model}
		for _, tool := range read.Tools {
			models = append(models, tool.Model)
		}
		all = append(all, &said{kept(models...), kept(read.MaxTokens, read.MaxCompletionTokens, read.N)})
	}
	if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
		panic(err)
	}
}

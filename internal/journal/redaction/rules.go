package redaction

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"samjournal/internal/model"
)

// Rules say what is secret. The package documentation explains their meaning.
type Rules struct {
	// Names of secret members: "*secret*" matches anywhere in a name, "pin" whole words of it, "=auth" only all of it.
	Names []string
	// Except takes back matches of Names that lie inside a match of these; same forms.
	Except []string
	// ValuePatterns are regular expressions (RE2); what they match in any string is masked. Each costs time on every string.
	ValuePatterns []string
	// WholeBodyThings are the things whose requests and responses are masked but for their envelope.
	WholeBodyThings []model.Thing
}

// Default are the rules that hold when nothing is configured.
func Default() Rules {
	return Rules{
		Names: []string{
			"*password*", "*passwd*", "*passphrase*", "*passcode*", "pass", "pwd", "*userpwd*", "*dbpwd*", "pw", "*passwort*",
			"*kennwort*", "*motdepasse*", "*contrasena*", "*secret*", "*token*", "*apikey*", "*accesskey*", "*privatekey*", "private_pem",
			"*signingkey*", "*encryptionkey*", "*decryptionkey*", "*masterkey*", "*sharedkey*", "*authkey*", "*accountkey*",
			"*sessionkey*", "*sshkey*", "*hmackey*", "*licensekey*", "*subscriptionkey*", "*adminkey*", "*servicekey*", "psk",
			"*authorization*", "=auth", "x_auth", "basic_auth", "http_auth", "proxy_auth", "*credential*", "creds", "cred",
			"*bearer*", "jwt", "*cookie*", "*sessionid*", "*sessid*", "=sid", "connect_sid", "*csrf*", "*xsrf*",
			"*creditcard*", "*debitcard*", "*cardnumber*", "*cardno*", "*cardnum*", "*cardcvv*", "*cardcvc*", "*securitycode*", "*cvv*",
			"cvc", "cvn", "=pan", "iban", "*bankaccount*", "ssn", "*socialsecurity*", "pin", "pins", "pincode", "otp", "*totp*",
			"*onetimecode*", "*recoverycode*", "*backupcode*", "*verificationcode*", "*mfacode*", "*2facode*", "*unlockcode*",
			"*accesscode*", "*securityanswer*", "*seedphrase*", "*dbpass*", "*userpass*", "*sshpass*", "*pgpass*", "*keypass*",
			"*storepass*", "*adminpw*", "*userpw*", "*passkey*", "*authenticationkey*", "*deploykey*", "*appkey*", "*consumerkey*",
			"*cipherkey*", "*aeskey*", "*rsakey*", "*privkey*", "client_assertion", "*connectionstring*", "x_amz_signature",
			"x_goog_signature", "=sig",
		},
		Except: []string{
			"max_token", "max_tokens", "min_tokens", "total_tokens", "prompt_tokens", "completion_tokens", "input_tokens",
			"output_tokens", "cached_tokens", "reasoning_tokens", "max_new_tokens", "max_completion_tokens", "max_output_tokens",
			"num_tokens", "token_count", "token_usage", "*tokeniz*", "*tokenis*", "eos_token", "bos_token", "pad_token", "unk_token",
			"sep_token", "cls_token", "mask_token", "special_tokens", "stop_tokens", "token_url", "token_uri", "token_endpoint",
			"authorization_endpoint", "authorization_url", "authorization_uri", "*secretar*", "*passwordless*", "allow_credentials",
		},
		WholeBodyThings: []model.Thing{model.ThingSecret},
	}
}

// With returns the rules with more names and more exceptions.
func (r Rules) With(names, except []string) Rules {
	r.Names = slices.Concat(r.Names, names)
	r.Except = slices.Concat(r.Except, except)
	return r
}

// New checks the rules and builds a Redactor of them. An error names the rule that is wrong.
func New(rules Rules) (*Redactor, error) {
	names, err := newNames(rules.Names, rules.Except)
	if err != nil {
		return nil, err
	}
	r := &Redactor{names: names, text: newTextPatterns(), whole: map[model.Thing]bool{}, wholeKinds: map[string]bool{}}
	for _, pattern := range rules.ValuePatterns {
		re, err := regexp.Compile(pattern)
		if err == nil && re.MatchString("") {
			err = errors.New("it matches the empty text, so it would match everywhere")
		}
		if err != nil {
			return nil, fmt.Errorf("redaction: value pattern %q: %w", pattern, err)
		}
		r.values = append(r.values, re)
	}
	for _, thing := range rules.WholeBodyThings {
		if !thing.Valid() {
			return nil, fmt.Errorf("redaction: whole-body thing %q is not a thing", string(thing))
		}
		r.whole[thing] = true
		r.wholeKinds[strings.ToLower(string(thing))] = true
	}
	return r, nil
}

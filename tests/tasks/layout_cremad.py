"""CREMA-D: four actors, with levels, and two of the clips that EVAR leaves out."""

import shutil

from layout_case import Evar, Layout

# Actor, its split by EVAR, its sex, age, race, ethnicity; facts about these actors are made up.
ACTORS = {
    "1001": ("test", "Male", 51, "Caucasian", "Not Hispanic"),
    "1002": ("train", "Female", 21, "Caucasian", "Hispanic"),
    "1006": ("train", "Male", 58, "African American", "Not Hispanic"),
    "1009": ("valid", "Male", 24, "Unknown", "Not Hispanic"),
}
EMOTIONS = ("ANG", "HAP", "SAD")
CLIPS = sorted(
    [(actor, "DFA", emotion, "XX") for actor in ACTORS for emotion in EMOTIONS]
    + [("1001", "IEO", "HAP", "HI"), ("1002", "IEO", "HAP", "HI")]
    + [("1001", "IEO", "SAD", "LO"), ("1002", "IEO", "ANG", "LO")]
    + [("1001", "TIE", "HAP", "XX"), ("1006", "TIE", "HAP", "XX")]
)
NAMES = ["_".join(clip) + ".wav" for clip in CLIPS]


def build(root, wav):
    root = root / "CREMA-D"
    for name in (*NAMES, "1040_ITH_SAD_X.wav"):
        wav(root / "AudioWAV" / name)
    shutil.copy(root / "AudioWAV" / "1006_TIE_HAP_XX.wav", root / "AudioWAV" / "1006_TIE_NEU_XX.wav")
    (root / "AudioWAV" / "._1001_DFA_ANG_XX.wav").write_bytes(bytes(211))
    (root / "AudioMP3").mkdir()
    (root / "AudioMP3" / "1001_DFA_ANG_XX.mp3").write_bytes(b"")
    (root / "processedResults").mkdir()
    (root / "processedResults" / "summaryTable.csv").write_text('"","FileName","VoiceVote"\n')
    table = ['"ActorID","Age","Sex","Race","Ethnicity"']
    table += [
        f'{actor},{age},"{sex}","{race}","{ethnicity}"'
        for actor, (_, sex, age, race, ethnicity) in ACTORS.items()
    ]
    (root / "VideoDemographics.csv").write_text("\r\n".join(table) + "\r\n")
    return root


def actors(fact):
    return [ACTORS[actor][fact] for actor, *_ in CLIPS]


NEAR = ("emotion", "gender", "age", "race", "ethnicity", "sentence", "level")
LAYOUTS = {
    "cremad": Layout(
        build,
        clips={
            "clip": NAMES,
            "emotion": [emotion for _, _, emotion, _ in CLIPS],
            "gender": actors(1),
            "age": [{51: "50s", 21: "20s", 58: "50s", 24: "20s"}[age] for age in actors(2)],
            "race": [None if race == "Unknown" else race for race in actors(3)],
            "ethnicity": actors(4),
            "sentence": [sentence for _, sentence, _, _ in CLIPS],
            "level": [None if level == "XX" else level for *_, level in CLIPS],
            "speaker": [actor for actor, *_ in CLIPS],
            "split": actors(0),
        },
        classes={
            "emotion": EMOTIONS,
            "gender": ("Female", "Male"),
            "age": ("20s", "50s"),
            "race": ("African American", "Caucasian"),
            "ethnicity": ("Hispanic", "Not Hispanic"),
            "sentence": ("DFA", "IEO", "TIE"),
            "level": ("LO", "HI"),
            "speaker": ("1001", "1002", "1006", "1009"),
        },
        groups=dict.fromkeys(NEAR, "speaker"),
        splits=dict.fromkeys(NEAR, "split"),
        broken={"AudioWAV": r"looked for AudioWAV or .* and found AudioMP3, VideoDemographics\.csv, proc"},
        evar=[
            Evar(
                "cremad",
                "emotion",
                [
                    {"file_name": name, "label": clip[2], "speaker_id": clip[0], "split": ACTORS[clip[0]][0]}
                    for name, clip in zip(NAMES, CLIPS, strict=True)
                ],
                "cremad",
                "AudioWAV/{}".format,
            ),
            Evar(
                "cremad_gender",
                "gender",
                [
                    {
                        "file_name": name,
                        "label": ACTORS[clip[0]][1],
                        "speaker_id": clip[0],
                        "split": ACTORS[clip[0]][0],
                        "emotion": clip[2],
                    }
                    for name, clip in zip(NAMES, CLIPS, strict=True)
                ],
                "cremad",
                "AudioWAV/{}".format,
            ),
        ],
    ),
}
